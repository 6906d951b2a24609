"""Addresses of the Data page."""

from __future__ import annotations

from django.urls import path, re_path

from . import (
    backfilling,
    covered_days,
    covering,
    document_lines,
    document_list,
    documents,
    reconciling,
    uploading,
    views,
)

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
    path("coverage/", covering.index, name="coverage"),
    re_path(r"^coverage\.(?P<ending>csv|xlsx)$", covered_days.export, name="coverage-export"),
    path("coverage/<str:dataset>/", covered_days.dataset, name="coverage-dataset"),
    re_path(
        r"^coverage/(?P<dataset>[a-z0-9_]+)\.(?P<ending>csv|xlsx)$",
        covered_days.dataset_export,
        name="coverage-dataset-export",
    ),
    path("coverage/<str:dataset>/<str:day>/", covered_days.day, name="coverage-day"),
    re_path(
        r"^coverage/(?P<dataset>[a-z0-9_]+)/(?P<day>[0-9-]{10})\.(?P<ending>csv|xlsx)$",
        covered_days.day_export,
        name="coverage-day-export",
    ),
    path("upload/<int:pk>/", uploading.batch, name="upload-batch"),
    path("upload/<int:pk>/<int:item>/", uploading.item, name="upload-item"),
    path("upload/answers/<int:pk>/forget/", uploading.forget, name="answer-forget"),
    path("documents/", document_list.index, name="documents"),
    re_path(r"^documents\.(?P<ending>csv|xlsx)$", document_list.export, name="documents-export"),
    path("document/<int:pk>/", views.document, name="document"),
    path("document/<int:pk>/line/<int:line>/", document_lines.line, name="document-line"),
    path("document/<int:pk>/raw/", documents.raw, name="document-raw"),
    path("document/<int:pk>/act/", documents.act, name="document-act"),
]
