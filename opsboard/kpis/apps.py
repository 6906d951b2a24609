from django.apps import AppConfig


class KpisConfig(AppConfig):
    name = "opsboard.kpis"
    label = "kpis"

    def ready(self) -> None:
        from opsboard.feeds import followers

        from . import checks, checks_of_playbooks, movers, playbook, registry, rollup, snapshots  # noqa: F401

        registry.autodiscover()
        playbook.autodiscover()
        movers.autodiscover()
        followers.follow(rollup.follow)
        followers.follow(snapshots.follow)
