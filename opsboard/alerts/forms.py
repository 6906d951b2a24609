"""Forms of what people do with an episode."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from opsboard.accounts.models import Membership, User
from opsboard.kpis.registry import Kpi, Unit

from . import words
from .models import Episode

#: The longest snooze; who wants to hear nothing for longer wants another limit.
LONGEST_SNOOZE = timedelta(days=90)
COMMENT_LENGTH = 2000


def scale_of(kpi: Kpi, episode: Episode) -> Decimal:
    """What a typed number is multiplied by to be in the figure's own unit: percent, the currency's minor unit."""
    if kpi.unit is Unit.RATE or words.is_share(episode):
        return Decimal("0.01")
    return Decimal(10) ** episode.marketplace.minor_digits if kpi.unit is Unit.MONEY else Decimal(1)


class SnoozeForm(forms.Form):
    """Until a day, or until worse by so much; a shortcut in days counts from the marketplace's today."""

    days = forms.TypedChoiceField(choices=[(n, n) for n in (1, 3, 7)], coerce=int, required=False, empty_value=None)
    until = forms.DateField(
        required=False,
        label=gettext_lazy("Until"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    worse_by = forms.DecimalField(
        required=False,
        label=gettext_lazy("Or until it is worse by"),
        max_digits=12,
        decimal_places=4,
        min_value=Decimal("0.0001"),
        max_value=Decimal(10) ** 8,
    )
    comment = forms.CharField(required=False, max_length=COMMENT_LENGTH, label=gettext_lazy("Why"))

    def __init__(self, *args: Any, episode: Episode, kpi: Kpi, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.episode, self.kpi = episode, kpi
        today = episode.marketplace.today()
        self.fields["until"].widget.attrs |= {
            "min": (today + timedelta(days=1)).isoformat(),
            "max": (today + LONGEST_SNOOZE).isoformat(),
        }
        if kpi.unit is Unit.RATE or words.is_share(episode):
            self.fields["worse_by"].help_text = _("in percentage points")
        elif kpi.unit is Unit.MONEY:
            self.fields["worse_by"].help_text = episode.marketplace.currency

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        today = self.episode.marketplace.today()
        if data.get("days"):
            data["until"] = today + timedelta(days=data["days"])
        until, worse_by = data.get("until"), data.get("worse_by")
        if until is not None and not today < until <= today + LONGEST_SNOOZE:
            self.add_error("until", _("Choose a day from tomorrow on, within 90 days."))
        elif until is None and worse_by is None and not self.errors:
            raise forms.ValidationError(_("Say until when, or until how much worse."))
        if worse_by is not None:
            data["worse_by"] = worse_by * scale_of(self.kpi, self.episode)
        return data


class AssignForm(forms.Form):
    """To one of the members given, or to nobody."""

    to = forms.TypedChoiceField(coerce=int, empty_value=None, required=False, label=gettext_lazy("To"))
    comment = forms.CharField(required=False, max_length=COMMENT_LENGTH, label=gettext_lazy("A word to them"))

    def __init__(self, *args: Any, members: list[Membership], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._users = {member.user_id: member.user for member in members}
        to = self.fields["to"]
        assert isinstance(to, forms.ChoiceField)
        to.choices = [("", _("Nobody")), *((pk, str(user)) for pk, user in self._users.items())]

    @property
    def chosen(self) -> User | None:
        return self._users.get(self.cleaned_data["to"])


class ResolveForm(forms.Form):
    why = forms.CharField(
        max_length=COMMENT_LENGTH,
        label=gettext_lazy("Why is it over?"),
        help_text=gettext_lazy("It stays closed while this breach lasts; a new breach opens a new alert."),
    )


class CommentForm(forms.Form):
    text = forms.CharField(
        max_length=COMMENT_LENGTH, label=gettext_lazy("Comment"), widget=forms.Textarea(attrs={"rows": 2})
    )
