from django.apps import AppConfig


class DemoConfig(AppConfig):
    name = "opsboard.demo"
    label = "demo"
