"""Addresses of the Data page."""

from __future__ import annotations

from django.urls import path

from . import uploading, views

app_name = "feeds"
urlpatterns = [
    path("", views.index, name="index"),
    path("upload/", uploading.upload_report, name="upload"),
    path("document/<int:pk>/", views.document, name="document"),
]
