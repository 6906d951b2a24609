from django.apps import AppConfig


class AlertsConfig(AppConfig):
    name = "opsboard.alerts"
    label = "alerts"
