from django.apps import AppConfig


class AlertsConfig(AppConfig):
    name = "opsboard.alerts"
    label = "alerts"

    def ready(self) -> None:
        from opsboard.accounts import sealing
        from opsboard.feeds import dispatch

        from . import escalation, failing, outbox, snoozes, tasks
        from .models import Channel

        dispatch.on_tick(tasks.wake_judges)
        dispatch.on_tick(snoozes.wake_due)
        dispatch.on_tick(escalation.escalate_due)
        dispatch.on_tick(failing.tell)
        dispatch.on_tick(outbox.wake)
        sealing.also_in(Channel)
