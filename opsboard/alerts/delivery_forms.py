"""Forms of how alerts arrive: a person's hours, an organisation's channels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from . import channels
from .models import Channel, Route

Kind = Channel.Kind
_FAULTS = {
    "no_https": gettext_lazy("A webhook's address begins with https:// and holds no name or password."),
    "not_theirs": gettext_lazy("This is no address of this service. Copy it anew from the service's own page."),
}
#: Where each service gives the address that is asked for.
HINTS = {
    Kind.WEBHOOK: gettext_lazy("Alerts are posted here as JSON, signed as Standard Webhooks asks."),
    Kind.SLACK: gettext_lazy("Slack: Apps, Incoming Webhooks, Add to Slack; begins with https://hooks.slack.com/."),
    Kind.FEISHU: gettext_lazy(
        "Feishu: group settings, Bots, Custom Bot; begins with https://open.feishu.cn/. Leave its signature check off; "
        "a keyword check must let these messages through."
    ),
    Kind.DINGTALK: gettext_lazy("DingTalk: group settings, Robots, Custom; begins with https://oapi.dingtalk.com/."),
    Kind.WECOM: gettext_lazy("WeCom: group settings, Group robot; begins with https://qyapi.weixin.qq.com/."),
}


class RouteForm(forms.ModelForm[Route]):
    """When a person wants the alerts of one organisation by mail."""

    class Meta:
        model = Route
        fields = ("mode", "digest_at", "quiet_from", "quiet_to", "time_zone")
        widgets = {
            name: forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
            for name in ("digest_at", "quiet_from", "quiet_to")
        }
        help_texts = {
            "quiet_from": gettext_lazy("In these hours only critical alerts are mailed; the others wait."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["time_zone"] = forms.ChoiceField(
            label=_("Time zone"), choices=[(name, name.replace("_", " ")) for name in sorted(available_timezones())]
        )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if (data.get("quiet_from") is None) != (data.get("quiet_to") is None):
            self.add_error("quiet_to", _("Quiet hours have a beginning and an end."))
        elif data.get("quiet_from") is not None and data["quiet_from"] == data.get("quiet_to"):
            self.add_error("quiet_to", _("Quiet hours that never end would hide every alert."))
        return data


class ChannelForm(forms.Form):
    """A channel of one kind, new or to be changed. A kept secret is never shown; left blank it stays."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=80)
    url = forms.CharField(label=gettext_lazy("Address"), max_length=1000, widget=forms.PasswordInput)
    secret = forms.CharField(
        label=gettext_lazy("Secret for signing"),
        max_length=200,
        required=False,
        widget=forms.PasswordInput,
        help_text=gettext_lazy("Only if the robot's security setting is a signature."),
    )
    language = forms.ChoiceField(label=gettext_lazy("Language"), required=False)
    enabled = forms.BooleanField(label=gettext_lazy("In use"), required=False, initial=True)

    def __init__(self, data: Mapping[str, Any] | None, *, channel: Channel) -> None:
        self.channel = channel
        typed = {"name": channel.name, "language": channel.language, "enabled": channel.enabled}
        super().__init__(data, initial=typed if channel.pk else {})
        language = self.fields["language"]
        assert isinstance(language, forms.ChoiceField)
        language.choices = list(settings.LANGUAGES)
        self.fields["url"].help_text = HINTS[Kind(channel.kind)]
        if channel.kind != Kind.DINGTALK:
            del self.fields["secret"]
        if channel.pk:
            self.fields["url"].required = False
            self.fields["url"].widget.attrs["placeholder"] = _("kept as it is")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("url"):
            fault = channels.fault(self.channel.kind, data["url"].strip(), data.get("secret", "").strip())
            if fault:
                self.add_error("url", _FAULTS[fault])
        return data

    def made(self) -> tuple[Channel, dict[str, str] | None]:
        """The channel as typed, and its secrets if new ones were."""
        data, channel = self.cleaned_data, self.channel
        channel.name, channel.language, channel.enabled = data["name"], data["language"], data["enabled"]
        if not data["url"]:
            return channel, None
        secret = channels.new_secret() if channel.kind == Kind.WEBHOOK else data.get("secret", "").strip()
        return channel, {"url": data["url"].strip(), "secret": secret}
