"""Addresses of the Data page."""

from __future__ import annotations

from django.urls import path

from . import documents, uploading, views

app_name = "feeds"
urlpatterns = [
    path("", views.index, name="index"),
    path("upload/", uploading.upload_report, name="upload"),
    path("document/<int:pk>/", views.document, name="document"),
    path("document/<int:pk>/raw/", documents.raw, name="document-raw"),
    path("document/<int:pk>/act/", documents.act, name="document-act"),
]
