"""Addresses of Inventory."""

from __future__ import annotations

from django.urls import path, re_path

from . import views

app_name = "inventory"
urlpatterns = [
    path("", views.index, name="index"),
    re_path(r"^export\.(?P<ending>csv|xlsx)$", views.export, name="export"),
    path("sku/<path:sku>/", views.sku, name="sku"),
]
