from django.apps import AppConfig


class KpisConfig(AppConfig):
    name = "opsboard.kpis"
    label = "kpis"

    def ready(self) -> None:
        from . import checks, registry  # noqa: F401

        registry.autodiscover()
