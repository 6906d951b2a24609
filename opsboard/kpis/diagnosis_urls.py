from django.urls import path

from . import diagnosing

app_name = "diagnosis"
urlpatterns = [
    path("run/<slug:situation>/", diagnosing.situation, name="situation"),
    path("<slug:kpi>/", diagnosing.kpi, name="kpi"),
]
