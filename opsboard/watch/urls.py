"""Addresses of the System page."""

from __future__ import annotations

from django.urls import path

from . import views

app_name = "watch"
urlpatterns = [path("system/", views.system, name="system")]
