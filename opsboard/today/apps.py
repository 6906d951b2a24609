from django.apps import AppConfig


class TodayConfig(AppConfig):
    name = "opsboard.today"
    label = "today"
