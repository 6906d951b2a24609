from django.urls import path

from . import delivery_views as views

app_name = "delivery"
urlpatterns = [
    path("delivery/", views.index, name="index"),
    path("delivery/log/", views.log, name="log"),
    path("delivery/hours/<int:organisation>/", views.route, name="route"),
    path("delivery/test/<int:organisation>/", views.test_mail, name="test"),
    path("delivery/channels/new/<int:organisation>/<slug:channel_kind>/", views.channel_new, name="channel_new"),
    path("delivery/channels/<int:pk>/", views.channel, name="channel"),
    path("delivery/channels/<int:pk>/test/", views.channel_test, name="channel_test"),
    path("delivery/channels/<int:pk>/delete/", views.channel_delete, name="channel_delete"),
]
