"""The organisation's hour, and what a member wants to read."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from opsboard.accounts.models import Membership, Role, SellerAccount

from .models import Reader, Schedule


class ScheduleForm(forms.ModelForm[Schedule]):
    zone_name = forms.ChoiceField(label=_("Time zone"))

    class Meta:
        model = Schedule
        fields = ("weekly", "weekday", "hour", "zone_name", "role", "daily_hour")
        help_texts = {
            "weekday": _("Of the week after. From Tuesday on, Amazon's figures of Sunday are usually there."),
            "role": _("Whoever chose for themselves gets what they chose."),
            "daily_hour": _("Only to those who asked for it, and only when something changed."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zone = self.fields["zone_name"]
        assert isinstance(zone, forms.ChoiceField)
        names = sorted(
            {name for name in available_timezones() if "/" in name and not name.startswith("Etc/")} | {"UTC"}
        )
        zone.choices = [(name, name.replace("_", " ")) for name in names]
        role = self.fields["role"]
        assert isinstance(role, forms.ChoiceField)
        role.choices = [(one.value, one.label) for one in Role]

    def state(self) -> dict[str, object]:
        """The schedule as the audit trail keeps it."""
        return {name: getattr(self.instance, name) for name in self._meta.fields or ()}

    def save(self, commit: bool = True) -> Schedule:
        if "weekly" in self.changed_data and self.cleaned_data["weekly"]:
            self.instance.since = timezone.now()  # what was due while it was off stays unsent
        return super().save(commit)


class ReaderForm(forms.Form):
    """A member's own choices; a manager may make them for somebody else."""

    weekly = forms.ChoiceField(label=_("Weekly summary"), required=False)
    daily = forms.BooleanField(label=_("Mail a brief on mornings when something changed"), required=False)
    accounts = forms.ModelMultipleChoiceField(
        label=_("Only these seller accounts"),
        queryset=SellerAccount.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None ticked: all of them."),
    )

    def __init__(self, *args: Any, membership: Membership, by_role: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.membership = membership
        reader: Reader | None = getattr(membership, "reader", None)
        weekly, accounts = self.fields["weekly"], self.fields["accounts"]
        assert isinstance(weekly, forms.ChoiceField) and isinstance(accounts, forms.ModelMultipleChoiceField)
        usual = _("As the role has it: mailed") if by_role else _("As the role has it: not mailed")
        weekly.choices = [("", usual), ("on", _("Mail it")), ("off", _("Do not mail it"))]
        accounts.queryset = SellerAccount.objects.filter(organisation=membership.organisation_id, active=True)
        if not membership.at_least(Role.OPERATOR):
            del self.fields["daily"]
        if reader is not None:
            self.initial = {
                "weekly": {None: "", True: "on", False: "off"}[reader.weekly],
                "daily": reader.daily,
                "accounts": list(reader.accounts.values_list("pk", flat=True)),
            }

    def save(self) -> Reader:
        reader, _new = Reader.objects.get_or_create(membership=self.membership)
        reader.weekly = {"": None, "on": True, "off": False}[self.cleaned_data["weekly"]]
        reader.daily = self.cleaned_data.get("daily", False)
        reader.save()
        reader.accounts.set(self.cleaned_data["accounts"])
        return reader

    def state(self) -> dict[str, object]:
        """The choices as the audit trail keeps them."""
        reader = Reader.objects.filter(membership=self.membership).first()
        if reader is None:
            return {}
        names = list(reader.accounts.values_list("name", flat=True))
        return {"weekly": reader.weekly, "daily": reader.daily, "accounts": names}


class CommentForm(forms.Form):
    text = forms.CharField(label=_("Comment"), max_length=2000, widget=forms.Textarea({"rows": 3}))
