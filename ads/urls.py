"""Addresses of Ads. Campaign and term ids may be negative (files that carry names only)."""

from __future__ import annotations

from django.urls import path, re_path

from . import views

app_name = "ads"
urlpatterns = [
    path("", views.index, name="index"),
    re_path(r"^export\.(?P<ending>csv|xlsx)$", views.export, name="export"),
    path("terms/", views.terms, name="terms"),
    re_path(r"^terms/export\.(?P<ending>csv|xlsx)$", views.terms_export, name="terms_export"),
    re_path(r"^campaign/(?P<campaign_id>-?\d{1,19})/$", views.campaign, name="campaign"),
    re_path(r"^term/(?P<term_id>-?\d{1,19})/$", views.term, name="term"),
]
