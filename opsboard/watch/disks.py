"""A disk that is nearly full is a mail to the owners: one while it lasts, told before nothing can be written.

The workers see it, each on its own machine, and leave it with their heartbeats. It begins where one of them finds less
free than OPSBOARD_DISK_FAIL_MB and is over when all find more than OPSBOARD_DISK_WARN_MB, so a disk that swings around
the border is told once. Nobody who looks is no news either way. When the database itself can no longer write, or no
worker runs, there is no mail: /readyz, /metrics and the doctor say it to whoever watches from outside.
"""

from __future__ import annotations

from django.conf import settings
from django.db import connection, transaction
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from opsboard.accounts.models import Membership, Organisation, Role
from opsboard.alerts import audience, mail, outbox

from . import heartbeats, registry
from .heartbeats import Process
from .models import Trouble
from .registry import Check, Status

DISKS = ("document_disk", "database_disk")

# Leans on trouble_once: of any number of dispatchers one begins it.
_BEGIN = """
    INSERT INTO watch_trouble (what, began_at) VALUES (%s, statement_timestamp())
        ON CONFLICT (what) WHERE over_at IS NULL DO NOTHING RETURNING id"""


def tell() -> int:
    """Mail about disks that became nearly full (called at each tick); how many mails were written."""
    alive = [one for one in heartbeats.standing() if one.alive]
    written = 0
    for check in registry.checks():
        seen = [(registry.as_seen(one.saw[check.key]).status, one) for one in alive if check.key in one.saw]
        if check.key not in DISKS or not seen:
            continue
        full = [one for status, one in seen if status is Status.FAIL]
        if full:
            written += _begun(check, full[0])
        elif all(status is Status.OK for status, _one in seen):
            Trouble.objects.filter(what=check.key, over_at=None).update(over_at=Now())
    return written


@transaction.atomic
def _begun(check: Check, worker: Process) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_BEGIN, [check.key])
        row = cursor.fetchone()
    if row is None:
        return 0
    # Whoever owns several organisations of this installation has one machine and is told once.
    owners: dict[int, Membership] = {}
    for organisation in Organisation.objects.order_by("pk"):
        for member in audience.of(organisation.pk):
            if member.at_least(Role.OWNER):
                owners.setdefault(member.user_id, member)
    for member in owners.values():
        key = f"{outbox.Purpose.MACHINE.value}:{row[0]}:{member.user_id}"
        outbox.put(key, outbox.Person(member), compose(check, worker, member), outbox.Purpose.MACHINE, urgent=True)
    return len(owners)


def compose(check: Check, worker: Process, member: Membership) -> mail.Letter:
    """The letter about what a worker saw, in the member's language."""
    language = member.user.language or settings.LANGUAGE_CODE
    url = settings.BASE_URL + reverse("watch:system")
    with translation.override(language):
        told = mail.Told(
            what=str(check.title),
            where=worker.name.rpartition(":")[0] or worker.name,
            note=registry.as_seen(worker.saw[check.key]).sentence,
            next_step=str(check.fix),
            url=url,
        )
        return mail.letter([told], _("A disk is nearly full: %(what)s") % {"what": check.title}, url, member)
