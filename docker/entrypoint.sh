#!/bin/sh
# One image, four roles: web, worker, beat and migrate. The commands are those of opsboard/processes.py,
# the same that `make demo` runs. Runs without Docker too, given the environment of .env.example.
set -eu

role=${1:-web}
case "$role" in
  migrate)
    # Safe when several start at once: the first takes the lock, the others find nothing left to do.
    exec python manage.py migrate_once
    ;;
  web)
    python manage.py migrate_once
    python manage.py check --database default --fail-level ERROR
    python manage.py collectstatic --noinput --verbosity 0
    exec python -m opsboard.processes web
    ;;
  worker|beat)
    python manage.py migrate_once
    python manage.py check --database default --fail-level ERROR
    exec python -m opsboard.processes "$role"
    ;;
  manage)
    shift
    exec python manage.py "$@"
    ;;
  *)
    echo "usage: entrypoint.sh web|worker|beat|migrate|manage COMMAND" >&2
    exit 2
    ;;
esac
