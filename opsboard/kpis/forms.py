"""Forms for what people set: limits of an account, the weekly IPI score."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from opsboard.accounts.models import AccountMarketplace, Marketplace, SellerAccount, User

from .models import ThresholdOverride
from .registry import Kpi, Unit

#: What a limit's column holds (14 digits, 6 of them behind the point).
_MOST = Decimal(10) ** 8
_ENDS = ("low", "high", "warn_low", "warn_high")


class ThresholdForm(forms.Form):
    """A limit from a day on; rates are typed in percent and kept as fractions."""

    marketplace = forms.ModelChoiceField(
        Marketplace.objects.none(),
        required=False,
        label=gettext_lazy("Marketplace"),
        empty_label=gettext_lazy("All marketplaces of the account"),
    )
    low = forms.DecimalField(required=False, label=gettext_lazy("Not below"), max_digits=12, decimal_places=4)
    high = forms.DecimalField(required=False, label=gettext_lazy("Not above"), max_digits=12, decimal_places=4)
    warn_low = forms.DecimalField(required=False, label=gettext_lazy("Warn below"), max_digits=12, decimal_places=4)
    warn_high = forms.DecimalField(required=False, label=gettext_lazy("Warn above"), max_digits=12, decimal_places=4)
    valid_from = forms.DateField(
        label=gettext_lazy("Valid from"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    note = forms.CharField(required=False, max_length=200, label=gettext_lazy("Why"))

    def __init__(self, *args: Any, kpi: Kpi, account: SellerAccount, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kpi, self.account = kpi, account
        marketplace = self.fields["marketplace"]
        assert isinstance(marketplace, forms.ModelChoiceField)
        marketplace.queryset = self._marketplaces()
        if kpi.unit is Unit.RATE:
            for name in _ENDS:
                self.fields[name].help_text = _("in percent")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        self._to_minor_units(data)
        low, high = data.get("low"), data.get("high")
        if low is None and high is None:
            raise forms.ValidationError(_("Give at least one limit."))
        if low is not None and high is not None and low >= high:
            raise forms.ValidationError(_("The lower limit must be below the upper one."))
        warn_low, warn_high = data.get("warn_low"), data.get("warn_high")
        if warn_low is not None and (low is None or warn_low <= low):
            self.add_error("warn_low", _("A warning comes before the limit: above the lower one."))
        if warn_high is not None and (high is None or warn_high >= high):
            self.add_error("warn_high", _("A warning comes before the limit: below the upper one."))
        return data

    def _to_minor_units(self, data: dict[str, Any]) -> None:
        """Money is typed as people write it and judged in minor units: one currency at a time."""
        if self.kpi.unit is not Unit.MONEY:
            return
        chosen = [data["marketplace"]] if data.get("marketplace") else list(self._marketplaces())
        if len({marketplace.currency for marketplace in chosen}) != 1:
            self.add_error("marketplace", _("Choose a marketplace: an amount is in one currency."))
            return
        for name in _ENDS:
            if data.get(name) is not None:
                data[name] = data[name].scaleb(chosen[0].minor_digits)
                if abs(data[name]) >= _MOST:
                    self.add_error(name, _("This is more than opsboard can hold against."))

    def _marketplaces(self) -> QuerySet[Marketplace]:
        return Marketplace.objects.filter(scopes__account=self.account, scopes__active=True).distinct()

    def save(self, user: User) -> ThresholdOverride:
        """Keep the limit; the former ones stay, dated."""
        data = self.cleaned_data
        share = Decimal("0.01") if self.kpi.unit is Unit.RATE else Decimal(1)
        return ThresholdOverride.objects.create(
            account=self.account,
            marketplace=data["marketplace"],
            kpi=self.kpi.key,
            **{name: None if data[name] is None else data[name] * share for name in _ENDS},
            valid_from=data["valid_from"],
            note=data["note"],
            set_by=user,
        )


class ManualForm(forms.Form):
    """The IPI score as Seller Central shows it."""

    scope = forms.ModelChoiceField(AccountMarketplace.objects.none(), label=gettext_lazy("Account and marketplace"))
    date = forms.DateField(
        label=gettext_lazy("Day of the score"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    value = forms.IntegerField(label=gettext_lazy("IPI score"), min_value=0, max_value=1000)

    def __init__(self, *args: Any, scopes: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        scope = self.fields["scope"]
        assert isinstance(scope, forms.ModelChoiceField)
        scope.queryset = scopes

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        scope, day = data.get("scope"), data.get("date")
        if scope and day and day > scope.marketplace.today():
            self.add_error("date", _("This day has not come yet."))
        return data
