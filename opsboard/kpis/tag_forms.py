"""The form of a tag."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from opsboard.accounts.models import AccountMarketplace, Tag, User

from . import pasted, tags
from .snapshots import snapshots


class TagForm(forms.Form):
    """A tag with all that carries it: accounts ticked, the rest as lists."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=60)
    accounts = forms.TypedMultipleChoiceField(
        label=gettext_lazy("Accounts"), coerce=int, required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, data: Mapping[str, Any] | None, *, tag: Tag) -> None:
        self.tag = tag
        scopes = AccountMarketplace.objects.filter(
            account__organisation=tag.organisation, account__active=True, active=True
        )
        self._pairs = list(scopes.values_list("account_id", "marketplace_id"))
        super().__init__(data, initial=self._typed() if tag.pk else None)
        self._accounts = list(tag.organisation.accounts.filter(active=True))
        field = self.fields["accounts"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = [(account.pk, account.name) for account in self._accounts]
        for key, snapshot in snapshots().items():
            self.fields[key] = forms.CharField(
                label=snapshot.label,
                required=False,
                strip=False,
                widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
                help_text=_("One a line, as pasted from a sheet."),
            )

    def _typed(self) -> dict[str, Any]:
        lists: dict[str, list[str]] = {}
        for item in self.tag.entities.all():
            lists.setdefault(item.kind, []).append(item.entity)
        return {
            "name": self.tag.name,
            "accounts": [account.pk for account in self.tag.accounts.all()],
            **{
                kind: pasted.typed(entities, snapshots()[kind], self._pairs)
                for kind, entities in lists.items()
                if kind in snapshots()
            },
        }

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        same = Tag.objects.filter(organisation=self.tag.organisation, name__iexact=name).exclude(pk=self.tag.pk)
        if same.exists():
            raise forms.ValidationError(_("There is a tag of this name already."))
        return name

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        for key, snapshot in snapshots().items():
            found = pasted.read(data.get(key) or "", snapshot, self._pairs)
            for complaint in found.complaints:
                self.add_error(key, complaint)
            data[key] = found.entities
        return data

    def save(self, user: User) -> Tag:
        data = self.cleaned_data
        self.tag.name = data["name"]
        accounts = [account for account in self._accounts if account.pk in data["accounts"]]
        return tags.save(self.tag, accounts, {key: data[key] for key in snapshots()}, user)
