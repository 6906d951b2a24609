from django.urls import path

from . import views

app_name = "alerts"
urlpatterns = [
    path("", views.index, name="index"),
    path("<int:pk>/", views.episode, name="episode"),
    path("<int:pk>/acknowledge/", views.acknowledge, name="acknowledge"),
    path("<int:pk>/reopen/", views.reopen, name="reopen"),
    path("unsubscribe/<str:token>/", views.unsubscribe, name="unsubscribe"),
]
