from django.apps import AppConfig


class UiConfig(AppConfig):
    name = "opsboard.ui"
    label = "ui"
