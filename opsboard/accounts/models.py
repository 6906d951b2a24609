"""Organisations, people and their roles, seller accounts, marketplaces, sealed credentials."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar
from zoneinfo import ZoneInfo

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: object) -> User:
        """Create a person who signs in with an e-mail address; None makes the password unusable."""
        if not email:
            raise ValueError("a person needs an e-mail address")
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: object) -> User:
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """A person. What they may see follows from their memberships, never from flags here."""

    email = models.EmailField(_("e-mail address"), unique=True)
    name = models.CharField(_("name"), max_length=120, blank=True)
    language = models.CharField(_("language"), max_length=10, blank=True)
    theme = models.CharField(_("theme"), max_length=6, blank=True)
    is_staff = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    date_joined = models.DateTimeField(default=timezone.now)

    objects: ClassVar[UserManager] = UserManager()
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    def __str__(self) -> str:
        return self.name or self.email


class Organisation(models.Model):
    """A company that sells on Amazon; the wall between tenants."""

    name = models.CharField(_("name"), max_length=120)
    slug = models.SlugField(unique=True)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    """What a member may do; each role can do what the ones below it can."""

    OWNER = "owner", _("Owner")
    MANAGER = "manager", _("Manager")
    OPERATOR = "operator", _("Operator")
    VIEWER = "viewer", _("Viewer")

    @property
    def rank(self) -> int:
        return {"owner": 3, "manager": 2, "operator": 1, "viewer": 0}[self.value]


class Membership(models.Model):
    """A person's role in an organisation, and whether alerts are mailed to them."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.VIEWER)
    mail_alerts = models.BooleanField(_("mail me alerts"), default=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "organisation"], name="one_role_per_organisation")]

    def __str__(self) -> str:
        return f"{self.user} ({self.role})"

    def at_least(self, role: Role) -> bool:
        return Role(self.role).rank >= role.rank


class Marketplace(models.Model):
    """One Amazon shop front: its time zone makes its days, its currency its money."""

    id = models.SmallAutoField(primary_key=True)
    code = models.CharField(max_length=2, unique=True)
    amazon_id = models.CharField(max_length=20, unique=True)
    name = models.CharField(max_length=60)
    region = models.CharField(max_length=2)
    time_zone = models.CharField(max_length=40)
    currency = models.CharField(max_length=3)
    minor_digits = models.SmallIntegerField(default=2)
    locale = models.CharField(max_length=10)
    domain = models.CharField(max_length=40)

    class Meta:
        ordering = ["code"]

    def __str__(self) -> str:
        return self.code

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    def day_of(self, instant: datetime) -> date:
        """The marketplace's own calendar day at an instant."""
        return instant.astimezone(self.zone).date()

    def today(self) -> date:
        return self.day_of(timezone.now())

    def money(self, minor: int | None) -> Decimal | None:
        """Minor units (cents, yen) as an exact amount in this marketplace's currency."""
        return None if minor is None else Decimal(minor).scaleb(-self.minor_digits)


class SellerAccountQuerySet(models.QuerySet["SellerAccount"]):
    def visible_to(self, user: User | AnonymousUser) -> SellerAccountQuerySet:
        """The accounts of the organisations the user belongs to; nobody's for a stranger."""
        if not user.is_authenticated:
            return self.none()
        return self.filter(organisation__memberships__user=user).distinct()


class SellerAccount(models.Model):
    """One selling-partner account (Amazon keeps one per region and seller)."""

    class Region(models.TextChoices):
        NA = "NA", _("North America")
        EU = "EU", _("Europe")
        FE = "FE", _("Far East")

    id = models.SmallAutoField(primary_key=True)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="accounts")
    name = models.CharField(_("name"), max_length=80)
    region = models.CharField(_("region"), max_length=2, choices=Region.choices)
    selling_partner_id = models.CharField(_("merchant id"), max_length=20, blank=True)
    active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)
    marketplaces: models.ManyToManyField[Marketplace, AccountMarketplace] = models.ManyToManyField(
        Marketplace, through="AccountMarketplace", related_name="accounts"
    )

    objects = SellerAccountQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["organisation", "name"], name="account_name_once")]

    def __str__(self) -> str:
        return self.name


class AccountMarketplace(models.Model):
    """A marketplace an account sells in: the scope every fetch, fact, KPI and page is keyed by."""

    account = models.ForeignKey(SellerAccount, on_delete=models.CASCADE, related_name="scopes")
    marketplace = models.ForeignKey(Marketplace, on_delete=models.PROTECT, related_name="scopes")
    ads_profile_id = models.CharField(_("Amazon Ads profile id"), max_length=30, blank=True)
    active = models.BooleanField(default=True)

    class Meta:
        ordering = ["account__name", "marketplace__code"]
        constraints = [models.UniqueConstraint(fields=["account", "marketplace"], name="scope_once")]

    def __str__(self) -> str:
        return f"{self.account.name} · {self.marketplace.code}"


class Tag(models.Model):
    """A label of an organisation, for accounts and for products and campaigns wherever they are sold."""

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="tags")
    name = models.CharField(_("name"), max_length=60)
    accounts: models.ManyToManyField[SellerAccount, models.Model] = models.ManyToManyField(
        SellerAccount, blank=True, related_name="tags"
    )

    class Meta:
        ordering = ["name", "id"]
        constraints = [models.UniqueConstraint("organisation", Lower("name"), name="tag_name_once")]

    def __str__(self) -> str:
        return self.name


class TaggedEntity(models.Model):
    """A product, campaign or term that carries a tag, in every account of the organisation that has it."""

    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="entities")
    #: The list it is in: "skus", "asins", "campaigns" (opsboard.kpis.snapshots).
    kind = models.CharField(max_length=20)
    #: The SKU or ASIN, or Amazon's id as text.
    entity = models.CharField(max_length=200)

    class Meta:
        ordering = ["kind", "entity"]
        constraints = [models.UniqueConstraint(fields=["tag", "kind", "entity"], name="tagged_once")]

    def __str__(self) -> str:
        return f"{self.entity}: {self.tag}"


class Credential(models.Model):
    """A secret of an account, sealed with AES-GCM; see opsboard.accounts.sealing."""

    class Kind(models.TextChoices):
        SP_API = "sp_api", _("Selling Partner API")
        ADS = "ads", _("Amazon Ads API")

    account = models.ForeignKey(SellerAccount, on_delete=models.CASCADE, related_name="credentials")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    sealed = models.BinaryField()
    key_id = models.CharField(max_length=20)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "kind"], name="credential_once")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.account_id}"

    @property
    def bound(self) -> tuple[int, str]:
        """What the secret is sealed for: moved to another row it does not open."""
        return self.account_id, self.kind


class ConnectionCheck(models.Model):
    """What the last check of an account's credentials found; see opsboard.accounts.connections."""

    account = models.ForeignKey(SellerAccount, on_delete=models.CASCADE, related_name="connection_checks")
    kind = models.CharField(max_length=10, choices=Credential.Kind.choices)
    checked_at = models.DateTimeField(default=timezone.now)
    #: [{"code", "params"}], in the order they were asked.
    steps = models.JSONField(default=list)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "kind"], name="connectioncheck_once")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.account_id} at {self.checked_at:%Y-%m-%d %H:%M}"


class AuditEvent(models.Model):
    """Who changed what in the settings, and when. Append-only: the database refuses UPDATE and DELETE.

    It outlives the people and rows it speaks of, so it names them by value and holds no secret.
    """

    organisation = models.ForeignKey(
        Organisation, on_delete=models.DO_NOTHING, db_constraint=False, related_name="audit_events"
    )
    at = models.DateTimeField(default=timezone.now)
    actor = models.CharField(_("who"), max_length=254)
    action = models.CharField(_("what"), max_length=40)
    target = models.CharField(_("of what"), max_length=200, blank=True)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["organisation", "-id"], name="audit_by_organisation")]

    def __str__(self) -> str:
        return f"{self.actor}: {self.action} {self.target}"
