"""Addresses of Weekly and of the daily brief."""

from __future__ import annotations

from django.urls import path

from . import views

app_name = "summaries"
urlpatterns = [
    path("", views.weekly, name="weekly"),
    path("export.xlsx", views.export, name="export"),
    path("brief/", views.brief, name="brief"),
    path("<int:pk>/sign-off/", views.sign_off, name="sign_off"),
    path("<int:pk>/comment/", views.comment, name="comment"),
    path("unsubscribe/<str:token>/", views.unsubscribe, name="unsubscribe"),
]
