from django.apps import AppConfig


class FeedsConfig(AppConfig):
    name = "opsboard.feeds"
    label = "feeds"

    def ready(self) -> None:
        from . import checks, reconciliation, registry  # noqa: F401

        registry.autodiscover()
        reconciliation.autodiscover()
