from django.urls import path

from . import rule_views as views

app_name = "rules"
urlpatterns = [
    path("rules/", views.index, name="index"),
    path("rules/new/<int:organisation>/", views.choose, name="choose"),
    path("rules/new/<int:organisation>/<slug:rule_kind>/", views.new, name="new"),
    path("rules/<int:pk>/", views.edit, name="edit"),
    path("rules/<int:pk>/switch/", views.switch, name="switch"),
    path("rules/<int:pk>/delete/", views.delete, name="delete"),
]
