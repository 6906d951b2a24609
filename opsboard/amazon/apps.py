from django.apps import AppConfig


class AmazonConfig(AppConfig):
    name = "opsboard.amazon"
    label = "amazon"
