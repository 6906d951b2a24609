from django.apps import AppConfig


class WatchConfig(AppConfig):
    name = "opsboard.watch"
    label = "watch"

    def ready(self) -> None:
        from opsboard.feeds import dispatch, leases

        from . import counters, disks, heartbeats, processes, startup  # noqa: F401
        from .looks import machine, shop, work  # noqa: F401

        dispatch.on_tick(heartbeats.ticked)
        dispatch.on_tick(disks.tell)
        leases.observe(counters.noticed)
        processes.connect()
