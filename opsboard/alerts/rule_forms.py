"""The form of a rule: only what its kind asks for, typed in the units people write."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from opsboard.accounts.models import AccountMarketplace, Membership, Organisation, Tag
from opsboard.kpis import named, pasted
from opsboard.kpis.entities import entity_kpis
from opsboard.kpis.registry import Kpi, Unit, kpis
from opsboard.kpis.snapshots import snapshots
from opsboard.ui import formats

from . import audience, rule_words, rules
from .models import Channel, Rule

Kind = Rule.Kind
_PERCENT = Decimal("0.01")
#: What a limit's column holds (14 digits, 6 of them behind the point).
_MOST = Decimal(10) ** 8
#: Which fields a kind has beside name, KPI, place and severity.
FIELDS: dict[str, tuple[str, ...]] = {
    Kind.LIMIT: ("for_days", "clear_by"),
    Kind.THRESHOLD: ("low", "high", "for_days", "clear_by"),
    Kind.CHANGE: ("change_up", "change_down", "for_days", "clear_by"),
    Kind.WEEKDAY: ("change_up", "change_down", "for_days"),
    Kind.FORECAST: ("days",),
    Kind.NO_DATA: ("days",),
    Kind.SUPPLY: ("low", "for_days", "clear_by"),
}
#: Fields of every rule about where it counts.
WHERE = ("where", "tag")
#: Fields of every rule about who is told.
WHO = ("mails", "people", "channels", "escalate_after")
#: What each kind does, in a sentence.
SENTENCES = {
    Kind.LIMIT: gettext_lazy("Told when a KPI breaks the limit in force: yours, Amazon's or the declared one."),
    Kind.THRESHOLD: gettext_lazy("Told when a KPI is under or over a value that only this rule knows."),
    Kind.CHANGE: gettext_lazy(
        "Told when a KPI is so much higher or lower than over as many days before. Stock and Amazon's own rates are "
        "compared with a week before."
    ),
    Kind.WEEKDAY: gettext_lazy(
        "Told when the newest final day is so much higher or lower than the same weekday of the four weeks before."
    ),
    Kind.FORECAST: gettext_lazy(
        "Told before a limit breaks: a straight line through the same weekday of the last eight weeks crosses it, even "
        "one standard error short. The line knows of no seasons and no plans."
    ),
    Kind.NO_DATA: gettext_lazy("Told when a figure that used to come has not come for so many days."),
    Kind.SUPPLY: gettext_lazy("Told when the stock lasts for fewer days than this."),
}
DAYS_DEFAULT = {Kind.FORECAST: 14, Kind.NO_DATA: 3}


class RuleForm(forms.Form):
    """A rule of one kind in one organisation, new or to be changed."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=80)
    kpi = forms.ChoiceField(label=gettext_lazy("KPI"), required=False)
    only = forms.CharField(
        label=gettext_lazy("Which ones"),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
        help_text=gettext_lazy(
            "One SKU, ASIN, campaign or search term a line, as pasted from a sheet; blank is every one."
        ),
    )
    where = forms.ChoiceField(label=gettext_lazy("Where"), required=False)
    tag = forms.TypedChoiceField(label=gettext_lazy("Tagged"), required=False, coerce=int, empty_value=None)
    low = forms.DecimalField(required=False, label=pgettext_lazy("a bound", "Under"), max_digits=12, decimal_places=4)
    high = forms.DecimalField(required=False, label=pgettext_lazy("a bound", "Over"), max_digits=12, decimal_places=4)
    change_up = forms.DecimalField(
        required=False, label=gettext_lazy("Higher by, in percent"), min_value=1, max_value=100_000, decimal_places=2
    )
    change_down = forms.DecimalField(
        required=False, label=gettext_lazy("Lower by, in percent"), min_value=1, max_value=100, decimal_places=2
    )
    days = forms.IntegerField(label=gettext_lazy("Days"), min_value=1, max_value=60)
    for_days = forms.IntegerField(
        label=gettext_lazy("On so many days in a row"),
        min_value=1,
        max_value=30,
        initial=1,
        help_text=gettext_lazy("1 tells at once; 3 waits until it was so on three days in a row."),
    )
    clear_by = forms.DecimalField(
        label=gettext_lazy("Ends only when back inside by, in percent of the limit"),
        min_value=0,
        max_value=90,
        decimal_places=2,
        initial=0,
        help_text=gettext_lazy("Keeps a figure that wavers around its limit one alert: with 4, 25 % ends at 24 %."),
    )
    severity = forms.ChoiceField(
        label=gettext_lazy("Severity"), choices=Rule.Severity.choices, initial=Rule.Severity.NORMAL
    )

    mails = forms.BooleanField(label=gettext_lazy("Mail people"), required=False, initial=True)
    people = forms.TypedMultipleChoiceField(
        label=gettext_lazy("Only these"),
        coerce=int,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("None ticked: everybody from operator up who wants mails."),
    )
    channels = forms.TypedMultipleChoiceField(
        label=gettext_lazy("Post to"), coerce=int, required=False, widget=forms.CheckboxSelectMultiple
    )
    escalate_after = forms.IntegerField(
        label=gettext_lazy("Tell the managers after, in hours"),
        required=False,
        min_value=1,
        max_value=240,
        help_text=gettext_lazy("If nobody has acknowledged by then; blank never."),
    )

    def __init__(
        self,
        data: Mapping[str, Any] | None,
        *,
        rule: Rule,
        organisation: Organisation,
        begun: Mapping[str, Any] | None = None,
    ) -> None:
        """`begun`: what was typed so far, shown as it is and not judged yet."""
        self.rule, self.organisation = rule, organisation
        initial: dict[str, Any] = _typed(rule) if rule.pk else {"days": DAYS_DEFAULT.get(Kind(rule.kind))}
        super().__init__(data, initial=initial if begun is None else dict(begun))
        kept = {"name", "kpi", "severity", *WHERE, *WHO, *FIELDS[rule.kind]}
        if rule.kind in rules.ONE_BY_ONE:
            kept.add("only")
        for name in [name for name in self.fields if name not in kept]:
            del self.fields[name]
        self._scopes = list(
            AccountMarketplace.objects.filter(account__organisation=organisation, active=True, account__active=True)
            .select_related("account", "marketplace")
            .order_by("account__name", "marketplace__code")
        )
        everything = [("", _("Every KPI"))] if rule.kind in rules.FOR_ALL else []
        suiting = [(kpi.key, str(kpi.label)) for kpi in kpis().values() if rules.suits(rule.kind, kpi)]
        self._choice("kpi").choices = [*everything, *suiting, *self._one_by_one()]
        self._choice("kpi").required = not everything
        self._choice("where").choices = self._places()
        self._people = audience.of(organisation.pk)
        self._channels = list(Channel.objects.filter(organisation=organisation, deleted_at=None))
        self._many("people").choices = [(member.pk, str(member.user)) for member in self._people]
        self._many("channels").choices = [(channel.pk, channel.name) for channel in self._channels]
        if not self._channels:
            del self.fields["channels"]
        tags = list(Tag.objects.filter(organisation=organisation))
        self._choice("tag").choices = [("", _("Tagged or not")), *((tag.pk, tag.name) for tag in tags)]
        if not tags:
            del self.fields["tag"]
        if rule.is_default:
            for name in {"kpi", "only", *WHERE} & self.fields.keys():
                del self.fields[name]
        if "days" in self.fields:
            ahead = rule.kind == Kind.FORECAST
            self.fields["days"].label = _("Days looked ahead") if ahead else _("Days without data")
        if rule.kind == Kind.SUPPLY:
            self.fields["low"].label = _("Fewer days than")
            self.fields["low"].required = True
        elif "low" in self.fields:
            self.fields["high"].help_text = _("Rates in percent, money in the marketplace's currency.")

    def _choice(self, name: str) -> forms.ChoiceField:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        return field

    def _many(self, name: str) -> forms.MultipleChoiceField:
        field = self.fields[name]
        assert isinstance(field, forms.MultipleChoiceField)
        return field

    def _one_by_one(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """The KPIs of SKUs, ASINs, campaigns and terms, under what they are of."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for item in entity_kpis():
            if rules.suits_each(self.rule.kind, item):
                key = f"{item.snapshot.key}:{item.kpi}"
                label = rule_words.of_each(kpis()[item.kpi], item.snapshot.key)
                groups.setdefault(str(item.snapshot.label), []).append((key, label))
        return list(groups.items())

    def _places(self) -> list[tuple[str, str]]:
        accounts = {scope.account_id: scope.account.name for scope in self._scopes}
        shops = {scope.marketplace_id: formats.country(scope.marketplace) for scope in self._scopes}
        places = [("", _("Every account and marketplace"))]
        places += [(f"a{pk}", name) for pk, name in accounts.items()]
        places += [(f"m{pk}", _("%(shop)s, every account") % {"shop": name}) for pk, name in sorted(shops.items())]
        places += [(f"s{s.pk}", f"{s.account.name} · {formats.country(s.marketplace)}") for s in self._scopes]
        return places

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        kind = self.rule.kind
        if kind == Kind.THRESHOLD and data.get("low") is None and data.get("high") is None and not self.errors:
            raise forms.ValidationError(_("Say under what, or over what."))
        if data.get("low") is not None and data.get("high") is not None and data["low"] >= data["high"]:
            raise forms.ValidationError(_("The lower value must be below the upper one."))
        if kind in {Kind.CHANGE, Kind.WEEKDAY} and not (data.get("change_up") or data.get("change_down")):
            if not self.errors:
                raise forms.ValidationError(_("Say by how much higher, or by how much lower."))
        data["snapshot"], _colon, data["kpi"] = (data.get("kpi") or "").rpartition(":")
        kpi = kpis().get(data["kpi"])
        if kpi is not None:
            self._to_own_unit(data, kpi)
        data["entities"] = self._listed(data)
        if data.get("tag"):
            data["tag"] = Tag.objects.get(pk=data["tag"], organisation=self.organisation)
            self._check_tag(data)
        return data

    def _listed(self, data: dict[str, Any]) -> list[str]:
        """The SKUs or campaigns of the list; what nobody knows is said line by line."""
        text, snapshot = data.get("only") or "", snapshots().get(data["snapshot"])
        if not text.strip():
            return []
        if snapshot is None:
            self.add_error("only", _("A list goes with a KPI of SKUs, ASINs, campaigns or search terms."))
            return []
        found = pasted.read(text, snapshot, self._pairs(data.get("where", "")))
        for complaint in found.complaints:
            self.add_error("only", complaint)
        return found.entities

    def _check_tag(self, data: dict[str, Any]) -> None:
        tag: Tag = data["tag"]
        if tag.accounts.exists() or (data["snapshot"] and tag.entities.filter(kind=data["snapshot"]).exists()):
            return
        self.add_error("tag", _("Nothing this rule looks at carries this tag yet: tag an account or list some there."))

    def _pairs(self, where: str) -> list[tuple[int, int]]:
        return [(scope.account_id, scope.marketplace_id) for scope in self._in(where)]

    def hits(self, text: str) -> list[tuple[str, str]]:
        """What a search finds for the KPI and place chosen so far: the line it would be, and what is told of it."""
        snapshot = snapshots().get(str(self["kpi"].value() or "").partition(":")[0])
        if snapshot is None:
            return []
        found = named.search(snapshot, self._pairs(str(self["where"].value() or "")), text)
        by_name = snapshot.naming.by_name
        return [(name, name) if by_name and name else (entity, f"{entity} {name}".strip()) for entity, name in found]

    @property
    def looks_into(self) -> bool:
        """Whether the KPI chosen so far is one of SKUs, ASINs, campaigns or terms."""
        return ":" in str(self["kpi"].value() or "") if "kpi" in self.fields else False

    def _to_own_unit(self, data: dict[str, Any], kpi: Kpi) -> None:
        scale = _PERCENT if kpi.unit is Unit.RATE else Decimal(1)
        ends = [name for name in ("low", "high") if data.get(name) is not None]
        if kpi.unit is Unit.MONEY and ends:
            shops = {scope.marketplace for scope in self._in(data.get("where", ""))}
            if len({(shop.currency, shop.minor_digits) for shop in shops}) != 1:
                self.add_error("where", _("Choose a marketplace: an amount is in one currency."))
                return
            scale = Decimal(10) ** shops.pop().minor_digits
        for name in ends:
            data[name] = data[name] * scale
            if abs(data[name]) >= _MOST:
                self.add_error(name, _("This is more than opsboard can hold against."))

    def _in(self, where: str) -> list[AccountMarketplace]:
        kind, number = where[:1], where[1:]
        key = {"a": "account_id", "m": "marketplace_id", "s": "pk"}.get(kind)
        return [scope for scope in self._scopes if key is None or str(getattr(scope, key)) == number]

    @property
    def scopes(self) -> list[AccountMarketplace]:
        """Where the rule counts."""
        return self._in(self.cleaned_data.get("where", ""))

    def made(self) -> Rule:
        """The rule as typed, not kept yet."""
        data, rule = self.cleaned_data, self.rule
        for name in ("name", "low", "high", "days", "for_days", "severity", "mails", "escalate_after"):
            if name in self.fields:
                setattr(rule, name, data[name])
        for name in ("change_up", "change_down", "clear_by"):
            if name in self.fields:
                setattr(rule, name, None if data[name] is None else data[name] * _PERCENT)
        if "kpi" in self.fields:
            rule.kpi, rule.snapshot, rule.entities = data["kpi"], data["snapshot"], data["entities"]
            rule.tag = data.get("tag")
            where = data["where"]
            chosen = self._in(where)[0] if where else None
            rule.account = chosen.account if chosen and where[0] in "as" else None
            rule.marketplace = chosen.marketplace if chosen and where[0] in "ms" else None
        return rule

    @property
    def who(self) -> tuple[list[Membership], list[Channel]]:
        """The people and channels ticked."""
        people, places = self.cleaned_data["people"], self.cleaned_data.get("channels", [])
        return [m for m in self._people if m.pk in people], [c for c in self._channels if c.pk in places]


def _typed(rule: Rule) -> dict[str, Any]:
    """A kept rule as it would be typed."""
    kpi = kpis().get(rule.kpi)
    scale = Decimal(1)
    if kpi is not None and kpi.unit is Unit.RATE:
        scale = Decimal(100)
    elif kpi is not None and kpi.unit is Unit.MONEY:
        scale = Decimal(10) ** -_digits(rule)
    shares = {name: getattr(rule, name) for name in ("change_up", "change_down", "clear_by")}
    return {
        "name": rules.title(rule),
        "kpi": f"{rule.snapshot}:{rule.kpi}" if rule.snapshot else rule.kpi,
        "only": _listed(rule),
        "where": _place(rule),
        "tag": rule.tag_id,
        "days": rule.days,
        "for_days": rule.for_days,
        "severity": rule.severity,
        "mails": rule.mails,
        "people": list(rule.people.values_list("pk", flat=True)),
        "channels": list(rule.channels.values_list("pk", flat=True)),
        "escalate_after": rule.escalate_after,
        **{name: None if (v := getattr(rule, name)) is None else _plain(v * scale) for name in ("low", "high")},
        **{name: None if share is None else _plain(share * 100) for name, share in shares.items()},
    }


def _listed(rule: Rule) -> str:
    """The list of a rule as it would be typed, a line each."""
    snapshot = snapshots().get(rule.snapshot)
    if snapshot is None or not rule.entities:
        return ""
    scopes = AccountMarketplace.objects.filter(account__organisation=rule.organisation_id, active=True)
    return pasted.typed(rule.entities, snapshot, list(scopes.values_list("account_id", "marketplace_id")))


def _digits(rule: Rule) -> int:
    if rule.marketplace is not None:
        return rule.marketplace.minor_digits
    found = AccountMarketplace.objects.filter(account__organisation=rule.organisation_id, active=True)
    if rule.account_id:
        found = found.filter(account=rule.account_id)
    first = found.select_related("marketplace").first()
    return first.marketplace.minor_digits if first else 2


def _place(rule: Rule) -> str:
    if rule.account_id and rule.marketplace_id:
        scope = AccountMarketplace.objects.filter(account=rule.account_id, marketplace=rule.marketplace_id).first()
        return f"s{scope.pk}" if scope else ""
    if rule.account_id:
        return f"a{rule.account_id}"
    return f"m{rule.marketplace_id}" if rule.marketplace_id else ""


def _plain(value: Decimal) -> Decimal:
    """Without zeros that nobody typed: 25, not 25.000000."""
    return value.quantize(Decimal(1)) if value == value.to_integral_value() else value.normalize()
