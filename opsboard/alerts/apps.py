from django.apps import AppConfig


class AlertsConfig(AppConfig):
    name = "opsboard.alerts"
    label = "alerts"

    def ready(self) -> None:
        from opsboard.feeds import dispatch

        from . import outbox, snoozes, tasks

        dispatch.on_tick(tasks.wake_judges)
        dispatch.on_tick(snoozes.wake_due)
        dispatch.on_tick(outbox.wake)
