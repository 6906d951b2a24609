"""Addresses of Listings."""

from __future__ import annotations

from django.urls import path, re_path

from . import views

app_name = "listings"
urlpatterns = [
    path("", views.index, name="index"),
    re_path(r"^export\.(?P<ending>csv|xlsx)$", views.export, name="export"),
    path("asin/<str:asin>/", views.asin, name="asin"),
]
