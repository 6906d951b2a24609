"""The page of Settings about summaries: when they are made and who reads them."""

from __future__ import annotations

from django.urls import path

from . import settings_views as views

app_name = "summary_settings"
urlpatterns = [
    path("summaries/", views.index, name="index"),
    path("summaries/<int:pk>/schedule/", views.schedule, name="schedule"),
    path("summaries/<int:pk>/reader/", views.reader, name="reader"),
]
