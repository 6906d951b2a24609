"""Forms of the Settings pages. Each lists its fields, so nothing else can be written through it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from .models import AccountMarketplace, Credential, Marketplace, Membership, Organisation, Role, SellerAccount, User

_MERCHANT_ID = RegexValidator(r"^[A-Z0-9]{10,20}$", _("A merchant id has 10 to 20 capital letters and digits."))


class ProfileForm(forms.ModelForm[User]):
    """Name, language and theme of the person, and of which organisations alerts are mailed."""

    language = forms.ChoiceField(label=_("Language"), required=False)
    theme = forms.ChoiceField(
        label=_("Theme"),
        required=False,
        choices=[("", _("As the device says")), ("light", _("Light")), ("dark", _("Dark"))],
    )

    class Meta:
        model = User
        fields = ("name", "language", "theme")

    def __init__(self, *args: Any, memberships: list[Membership], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        language = self.fields["language"]
        assert isinstance(language, forms.ChoiceField)
        language.choices = [("", _("As the browser says")), *settings.LANGUAGES]
        self.memberships = memberships
        for member in memberships:
            self.fields[f"mail_{member.pk}"] = forms.BooleanField(
                label=_("Mail me the alerts of %(organisation)s") % {"organisation": member.organisation.name},
                required=False,
                initial=member.mail_alerts,
            )

    def save(self, commit: bool = True) -> User:
        user = super().save(commit)
        for member in self.memberships:
            member.mail_alerts = self.cleaned_data[f"mail_{member.pk}"]
            member.save(update_fields=["mail_alerts"])
        return user


class InviteForm(forms.Form):
    email = forms.EmailField(label=_("E-mail address"), max_length=254)
    name = forms.CharField(label=_("Name"), max_length=120, required=False)
    role = forms.ChoiceField(label=_("Role"))

    def __init__(self, *args: Any, roles: list[Role], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        role = self.fields["role"]
        assert isinstance(role, forms.ChoiceField)
        role.choices = [(r.value, r.label) for r in roles]
        role.initial = Role.VIEWER.value


class RoleForm(forms.Form):
    role = forms.ChoiceField(choices=Role.choices)


class ShopsField(forms.ModelMultipleChoiceField[Marketplace]):
    """Marketplaces as people know them (name and shop domain), region by region."""

    def by_region(self) -> list[tuple[str, list[tuple[int, str]]]]:
        shops = list(Marketplace.objects.order_by("name"))
        return [
            (str(label), [(shop.pk, f"{shop.name} · {shop.domain}") for shop in shops if shop.region == region])
            for region, label in SellerAccount.Region.choices
        ]


class NewAccountForm(forms.ModelForm[SellerAccount]):
    """A seller account of an organisation that the person owns, with the marketplaces it sells in."""

    marketplaces = ShopsField(
        label=_("Marketplaces"),
        queryset=Marketplace.objects.order_by("region", "code"),
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Only marketplaces of the region above; the others belong to another seller account."),
    )

    class Meta:
        model = SellerAccount
        fields = ("organisation", "name", "region", "selling_partner_id", "marketplaces")
        help_texts = {
            "name": _("As you call it, for example “Acme North America”."),
            "region": _("Amazon keeps one seller account a region; add one here for each."),
            "selling_partner_id": _("Seller Central → Settings → Account info → Your merchant token. May stay empty."),
        }

    def __init__(self, *args: Any, organisations: list[Organisation], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["selling_partner_id"].validators.append(_MERCHANT_ID)
        field = self.fields["organisation"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = Organisation.objects.filter(pk__in=[o.pk for o in organisations]).order_by("name")
        field.label = _("Organisation")
        if len(organisations) == 1:
            field.initial = organisations[0].pk
            field.widget = forms.HiddenInput()

        shops = self.fields["marketplaces"]
        assert isinstance(shops, ShopsField)
        shops.choices = shops.by_region()

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        strangers = [shop.name for shop in values.get("marketplaces") or () if shop.region != values.get("region")]
        if strangers:
            self.add_error(
                "marketplaces",
                _("Not in this region: %(names)s. Add another seller account for it.")
                % {"names": ", ".join(strangers)},
            )
        return values

    def save(self, commit: bool = True) -> SellerAccount:
        account = super().save(commit=False)
        account.save()
        for shop in self.cleaned_data["marketplaces"]:
            AccountMarketplace.objects.create(account=account, marketplace=shop)
        return account


class AccountForm(forms.ModelForm[SellerAccount]):
    """What can change later: the names, whether it is fetched, its marketplaces and their Ads profiles."""

    class Meta:
        model = SellerAccount
        fields = ("name", "selling_partner_id", "active")
        labels = {"active": _("Fetch and show this account")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["selling_partner_id"].validators.append(_MERCHANT_ID)
        self.scopes = {s.marketplace_id: s for s in self.instance.scopes.select_related("marketplace")}
        self.shops = list(Marketplace.objects.filter(region=self.instance.region))
        for shop in self.shops:
            scope = self.scopes.get(shop.pk)
            self.fields[f"sells_{shop.pk}"] = forms.BooleanField(
                label=f"{shop.name} · {shop.domain}", required=False, initial=bool(scope and scope.active)
            )
            self.fields[f"profile_{shop.pk}"] = forms.RegexField(
                regex=r"^\d{5,30}$",
                label=_("Amazon Ads profile id, %(marketplace)s") % {"marketplace": shop.name},
                required=False,
                initial=scope.ads_profile_id if scope else "",
                error_messages={"invalid": _("A profile id is a number of 5 to 30 digits.")},
            )

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        others = SellerAccount.objects.filter(organisation=self.instance.organisation_id).exclude(pk=self.instance.pk)
        if others.filter(name=name).exists():
            raise forms.ValidationError(_("Another account of the organisation has this name."))
        return name

    def rows(self) -> list[tuple[Marketplace, forms.BoundField, forms.BoundField]]:
        """(marketplace, sells here, Ads profile id) for the template's table."""
        return [(shop, self[f"sells_{shop.pk}"], self[f"profile_{shop.pk}"]) for shop in self.shops]

    def own_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in ("name", "selling_partner_id", "active")]

    def save(self, commit: bool = True) -> SellerAccount:
        """Keep the account and its marketplaces; one no longer sold in is paused, its data stays."""
        account = super().save(commit)
        for shop in self.shops:
            sells, profile = self.cleaned_data[f"sells_{shop.pk}"], self.cleaned_data[f"profile_{shop.pk}"]
            scope = self.scopes.get(shop.pk)
            if scope is None and sells:
                AccountMarketplace.objects.create(account=account, marketplace=shop, ads_profile_id=profile)
            elif scope is not None:
                scope.active, scope.ads_profile_id = sells, profile
                scope.save(update_fields=["active", "ads_profile_id"])
        return account


class SecretInput(forms.PasswordInput):
    """Typed or pasted once, never sent back to the browser, never offered by its password store."""

    def __init__(self) -> None:
        super().__init__(attrs={"autocomplete": "off", "spellcheck": "false"}, render_value=False)


class CredentialForm(forms.Form):
    """The three values of a Login with Amazon application; they leave this form sealed."""

    client_id = forms.CharField(
        label=_("Client id"), max_length=200, widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"})
    )
    client_secret = forms.CharField(label=_("Client secret"), max_length=300, widget=SecretInput)
    refresh_token = forms.CharField(label=_("Refresh token"), max_length=3000, widget=SecretInput)

    def __init__(self, *args: Any, kind: Credential.Kind, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind = kind
        self.fields["client_id"].help_text = _("Begins with amzn1.application-oa2-client.")
        self.fields["refresh_token"].help_text = _("Begins with Atzr|")

    def clean_client_id(self) -> str:
        value: str = self.cleaned_data["client_id"]
        if value.startswith("amzn1.sp.solution"):
            raise forms.ValidationError(
                _("This is the application id. Take the client id under “LWA credentials → View” beside it.")
            )
        return value

    def clean_refresh_token(self) -> str:
        value: str = self.cleaned_data["refresh_token"]
        if value.startswith("Atza|"):
            raise forms.ValidationError(_("This is an access token, good for an hour. The refresh token begins Atzr|"))
        return value
