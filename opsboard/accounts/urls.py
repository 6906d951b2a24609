"""The Settings pages (namespace `settings`)."""

from __future__ import annotations

from django.urls import URLPattern

app_name = "settings"
urlpatterns: list[URLPattern] = []
