"""What a process that a test starts is told."""

from __future__ import annotations

from django.db import connection


def database_url() -> str:
    """The address of the test's own database."""
    parameters = connection.get_connection_params()
    host, name = str(parameters.get("host", "")), parameters["dbname"]
    user = f"{parameters.get('user', '')}:{parameters.get('password') or ''}@"
    return f"postgresql://{user}/{name}?host={host}" if host.startswith("/") else f"postgresql://{user}{host}/{name}"
