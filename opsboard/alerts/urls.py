from django.urls import path

from . import views

app_name = "alerts"
urlpatterns = [
    path("", views.index, name="index"),
    path("<int:pk>/", views.episode, name="episode"),
    path("<int:pk>/acknowledge/", views.acknowledge, name="acknowledge"),
    path("<int:pk>/reopen/", views.reopen, name="reopen"),
    path("<int:pk>/assign/", views.assign, name="assign"),
    path("<int:pk>/snooze/", views.snooze, name="snooze"),
    path("<int:pk>/resolve/", views.resolve, name="resolve"),
    path("<int:pk>/comment/", views.comment, name="comment"),
    path("unsubscribe/<str:token>/", views.unsubscribe, name="unsubscribe"),
]
