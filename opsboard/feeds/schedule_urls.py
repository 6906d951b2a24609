"""Addresses of Settings, Schedules."""

from __future__ import annotations

from django.urls import path

from . import scheduling

app_name = "schedules"
urlpatterns = [
    path("schedules/", scheduling.index, name="index"),
    path("schedules/<int:scope>/<slug:spec>/", scheduling.change, name="change"),
]
