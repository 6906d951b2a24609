"""opsboard: a self-hosted operations dashboard for Amazon sellers."""

from .celery import app as celery_app

__all__ = ["celery_app"]
