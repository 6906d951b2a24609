from django.urls import path

from . import tag_views, views

app_name = "kpis"
urlpatterns = [
    path("thresholds/", views.thresholds, name="thresholds"),
    path("thresholds/<int:account>/<slug:kpi>/", views.threshold, name="threshold"),
    path("ipi/", views.manual, name="manual"),
    path("tags/", tag_views.index, name="tags"),
    path("tags/new/<int:organisation>/", tag_views.new, name="tag_new"),
    path("tags/<int:pk>/", tag_views.edit, name="tag"),
    path("tags/<int:pk>/delete/", tag_views.delete, name="tag_delete"),
    path("kpis/", views.help_page, name="help"),
]
