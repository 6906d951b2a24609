from django.apps import AppConfig


class SummariesConfig(AppConfig):
    name = "opsboard.summaries"
    label = "summaries"

    def ready(self) -> None:
        from opsboard.feeds import dispatch

        from . import lists, work

        lists.register()
        dispatch.on_tick(work.plan)
        dispatch.on_tick(work.wake)
