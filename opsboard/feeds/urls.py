"""Addresses of the Data page."""

from __future__ import annotations

from django.urls import path, re_path

from . import backfilling, documents, reconciling, uploading, views

app_name = "feeds"
urlpatterns = [
    path("", views.index, name="index"),
    path("backfill/", backfilling.index, name="backfill"),
    path("backfill/<int:pk>/act/", backfilling.act, name="backfill-act"),
    path("upload/", uploading.upload_report, name="upload"),
    path("reconciliation/", reconciling.index, name="reconciliation"),
    re_path(r"^reconciliation\.(?P<ending>csv|xlsx)$", reconciling.export, name="reconciliation-export"),
    path("reconciliation/<str:check>/", reconciling.check, name="reconciliation-check"),
    re_path(
        r"^reconciliation/(?P<check>[a-z0-9_]+)\.(?P<ending>csv|xlsx)$",
        reconciling.check_export,
        name="reconciliation-check-export",
    ),
    path("upload/<int:pk>/", uploading.batch, name="upload-batch"),
    path("upload/<int:pk>/<int:item>/", uploading.item, name="upload-item"),
    path("upload/answers/<int:pk>/forget/", uploading.forget, name="answer-forget"),
    path("document/<int:pk>/", views.document, name="document"),
    path("document/<int:pk>/raw/", documents.raw, name="document-raw"),
    path("document/<int:pk>/act/", documents.act, name="document-act"),
]
