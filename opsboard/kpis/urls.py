from django.urls import path

from . import views

app_name = "kpis"
urlpatterns = [
    path("thresholds/", views.thresholds, name="thresholds"),
    path("thresholds/<int:account>/<slug:kpi>/", views.threshold, name="threshold"),
    path("ipi/", views.manual, name="manual"),
    path("kpis/", views.help_page, name="help"),
]
