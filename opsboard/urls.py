"""Every address of opsboard. Domains bring their own pages: a folder in settings.DOMAINS with a urls.py."""

from __future__ import annotations

from importlib.util import find_spec

from django.conf import settings
from django.urls import URLResolver, include, path

from opsboard.watch import metrics, probes


def _pages(prefix: str, module: str) -> list[URLResolver]:
    return [path(prefix, include(module))] if find_spec(module) else []


handler500 = "opsboard.ui.errors.server_error"
urlpatterns = [
    path("livez", probes.livez, name="livez"),
    path("readyz", probes.readyz, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
    path("accounts/", include("opsboard.accounts.auth_urls")),
    path("look/", include("opsboard.ui.urls")),
    path("settings/", include("opsboard.accounts.urls")),
    *_pages("settings/", "opsboard.kpis.urls"),
    *_pages("diagnosis/", "opsboard.kpis.diagnosis_urls"),
    *_pages("settings/", "opsboard.watch.urls"),
    *_pages("settings/", "opsboard.feeds.schedule_urls"),
    *_pages("settings/", "opsboard.alerts.rule_urls"),
    *_pages("settings/", "opsboard.alerts.delivery_urls"),
    *_pages("data/", "opsboard.feeds.urls"),
    *_pages("alerts/", "opsboard.alerts.urls"),
    *_pages("weekly/", "opsboard.summaries.urls"),
    *_pages("settings/", "opsboard.summaries.settings_urls"),
    *[resolver for domain in settings.DOMAINS for resolver in _pages(f"{domain}/", f"{domain}.urls")],
    *_pages("", "opsboard.today.urls"),
]
