"""What must hold after every fault, whatever it was. `check` looks at all of it and fails with all it found."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from django.db import connection
from django.test import Client

from listings.models import AsinDay, SalesDay, SkuDay
from opsboard.alerts.models import Episode, OutboxMessage
from opsboard.embedded import _as_user, _postgres_binaries
from opsboard.feeds import rawstore
from opsboard.feeds.models import Coverage, Document, DocumentDay
from opsboard.simulator import DEMO_CREDENTIALS
from opsboard.simulator.truth import known_share
from opsboard.ui import formats
from tests.factories import make_org, make_user

from .house import House, Tenant, wait_for
from .record import Measured

#: Rows may be this much later than their lease.
STUCK_SECONDS = 60
#: Planted as a buyer in every house.
BUYER = "ZQXBUYER Longstocking"


def check(house: House, fault: Measured, tenants: Sequence[Tenant], *, kills_of_senders: int = 0) -> None:
    """I1 to I7. Counts what was lost and doubled into `fault` and fails when anything was, or is not as it must be."""
    wrong = [
        *nothing_is_stuck(house),
        *facts_are_the_truth(house, fault, tenants),
        *one_mail_an_episode(house, fault, tenants, kills_of_senders),
        *no_orphans(house),
        *pages_say_how_fresh(tenants),
        *nobody_sees_anothers(tenants),
        *no_secret_is_written_down(house),
    ]
    assert not wrong, "\n".join(wrong)
    assert (fault.lost, fault.doubled) == (0, 0)
    fault.passed = True


def nothing_is_stuck(house: House) -> list[str]:
    """I1."""
    found = []
    for table in ("feeds_fetch", "feeds_ingest", "alerts_outboxmessage", "feeds_uploaditem"):
        rows = house.sql(
            f"SELECT count(*) FROM {table} WHERE finished_at IS NULL"
            f" AND coalesce(lease_until, not_before) < now() - interval '{STUCK_SECONDS} seconds'"
        )
        if rows[0][0]:
            found.append(f"I1: {rows[0][0]} rows of {table} are stuck")
    return found


def truth(house: House, tenant: Tenant, day: date) -> tuple[int, int]:
    """(ordered sales in minor units, units) of a day, as far as Amazon has counted it by now."""
    share = known_share((house.simulator.state.today(tenant.simulated) - day).days)
    sold = [(int(item.units * share), item) for item in house.simulator.state.truth.asins(tenant.key, day)]
    sales = sum((units * Decimal(str(item.sku.price)) for units, item in sold), Decimal(0))
    return int(sales.scaleb(tenant.simulated.digits)), sum(units for units, _item in sold)


def facts_are_the_truth(house: House, fault: Measured, tenants: Sequence[Tenant]) -> list[str]:
    """I2: of every day asked for exactly what happened, in the marketplace's currency; of no other day anything."""
    found = []
    for tenant in tenants:
        mine = {"account_id": tenant.scope.account_id, "marketplace_id": tenant.scope.marketplace_id}
        stored: dict[date, tuple[int, int]] = {
            day: (sales, units)
            for day, sales, units in SalesDay.objects.filter(**mine).values_list(
                "date", "ordered_sales_minor", "units_ordered"
            )
        }
        for day in sorted(tenant.asked | set(stored)):
            expected = truth(house, tenant, day) if day in tenant.asked else (0, 0)
            held = stored.get(day, (0, 0))
            if held == expected:
                continue
            more = held > expected
            fault.doubled += more
            fault.lost += not more
            found.append(f"I2: {tenant.account.name} {day}: {held} stored, {expected} happened")
        for model in (AsinDay, SkuDay):
            for day in sorted(set(model.objects.filter(**mine).values_list("date", flat=True))):
                units = sum(model.objects.filter(**mine, date=day).values_list("units_ordered", flat=True))
                if units != truth(house, tenant, day)[1]:
                    found.append(f"I2: {model.__name__} of {day} adds up to {units} units")
        covered = Coverage.objects.filter(**mine, dataset="sales_by_date")
        if set(covered.values_list("date", flat=True)) != set(stored):
            found.append(f"I2: {tenant.account.name}: coverage and facts name other days")
    return found


def one_mail_an_episode(house: House, fault: Measured, tenants: Sequence[Tenant], kills: int) -> list[str]:
    """I3: one letter an episode and person, by Message-ID; second copies only of killed senders, and flagged."""
    found = []
    accounts = {tenant.account.pk for tenant in tenants}
    addresses = {tenant.owner.email for tenant in tenants}
    letters = OutboxMessage.objects.filter(address__in=addresses)
    arrived = [mail for mail in house.postbox.mails if mail["To"] in addresses]
    copies = Counter(str(mail["Message-ID"]) for mail in arrived)
    flagged = sum(mail["X-Opsboard-Attempt"] is not None for mail in arrived)
    sent = set(letters.filter(state=OutboxMessage.State.SENT).values_list("message_id", flat=True))
    if lost := sent - set(copies):
        fault.lost += len(lost)
        found.append(f"I3: {len(lost)} mails are called sent and never arrived")
    second = copies.total() - len(copies)
    if second > flagged or flagged > kills:
        fault.doubled += second
        found.append(f"I3: {second} second copies, {flagged} say so, {kills} senders were killed")
    for episode in Episode.objects.filter(account__in=accounts):
        for stage, least in (("opened", 1), ("resolved", 0)):
            told = [mail for mail in episode.mails.all() if mail.dedupe_key.startswith(stage)]
            by_person = Counter(mail.recipient_id for mail in told)
            if max(by_person.values(), default=0) > 1 or len(told) < least:
                found.append(f"I3: episode {episode.pk} was {stage} and mailed {len(told)} times")
    return found


def no_orphans(house: House) -> list[str]:
    """I4: no staging table outlives its worker, no half a file is left, every file is a document's and vice versa."""
    found = []
    # What a crash of the server itself left is for its own autovacuum to drop, which it does at once.
    try:
        wait_for(lambda: not house.sql("SELECT 1 FROM pg_class WHERE relpersistence = 't' LIMIT 1"), 20, "no staging")
    except AssertionError:
        found.append("I4: staging tables are left")
    folder = house.data.path / "documents"
    files = {path.name for path in folder.rglob("*") if path.is_file()} if folder.exists() else set()
    if parts := [name for name in files if name.startswith(".")]:
        found.append(f"I4: {len(parts)} half files in the document store")
    if left := [path.name for path in house.temporary.iterdir() if path.name.startswith("opsboard")]:
        found.append(f"I4: {len(left)} temporary files are left: {left[:3]}")
    wanted = {rawstore.path_of(sha).name for sha in Document.objects.values_list("sha256", flat=True)}
    whole = files - set(parts)
    if whole != wanted:
        found.append(f"I4: {len(whole - wanted)} files without a document, {len(wanted - whole)} documents without one")
    spoken = set(DocumentDay.objects.values_list("document_id", flat=True).distinct())
    applied = set(
        Document.objects.filter(ingests__state__in=["applied", "unchanged", "superseded"]).values_list("pk", flat=True)
    )
    if spoken - applied:
        found.append(f"I4: {len(spoken - applied)} documents have days and no ingest that ended well")
    return found


def pages_say_how_fresh(tenants: Sequence[Tenant]) -> list[str]:
    """I5: the page's stamp is the newest day that is stored."""
    found = []
    for tenant in tenants[:3]:
        newest = (
            SalesDay.objects.filter(account_id=tenant.account.pk)
            .order_by("-date")
            .values_list("date", flat=True)
            .first()
        )
        page = tenant.read("/")
        stamp = f"ales to {formats.day(newest)}" if newest else "ales to "
        if (stamp in page) != bool(newest):
            found.append(f"I5: {tenant.account.name}'s page does not say “{stamp}”")
    return found


def nobody_sees_anothers(tenants: Sequence[Tenant]) -> list[str]:
    """I6: to a stranger the seller does not exist."""
    found = []
    client = Client()
    client.force_login(make_user(make_org()))
    names = [tenant.account.name for tenant in tenants]
    for address in ("/", "/listings/", "/ads/", "/data/", "/alerts/"):
        page = client.get(address, follow=True).content.decode()
        found += [f"I6: a stranger reads {name} on {address}" for name in names if name in page]
    for tenant in tenants[:3]:
        owner = tenant.signed_in()
        episodes = Episode.objects.filter(account=tenant.account).values_list("pk", flat=True)[:3]
        documents = Document.objects.filter(account=tenant.account).values_list("pk", flat=True)[:2]
        pages = [f"/alerts/{pk}/" for pk in episodes] + [f"/data/document/{pk}/" for pk in documents]
        for address in pages:
            if (statuses := (owner.get(address).status_code, client.get(address).status_code)) != (200, 404):
                found.append(f"I6: {address} answers its owner and a stranger with {statuses}")
    return found


def secrets(house: House) -> dict[str, str]:
    """What is planted and must never be read anywhere, by name."""
    known = {
        f"{name} of {key}": str(given[name])
        for key, given in DEMO_CREDENTIALS.items()
        for name in ("client_secret", "refresh_token")
    }
    keys = house.env["OPSBOARD_SEAL_KEYS"].partition(":")[2]
    return known | {
        "an access token": "Atza|",
        "a document's address": "X-Amz-Signature",
        "the sealing key": keys,
        "a buyer": BUYER,
    }


def no_secret_is_written_down(house: House) -> list[str]:
    """I7: in no log and in no dump of the database."""
    binaries, user = _postgres_binaries()
    dump = subprocess.run(
        [str(binaries / "pg_dump"), "-h", str(house.sockets), "-U", "postgres", "--no-sync", "opsboard"],
        capture_output=True,
        **_as_user(user),
    )
    assert dump.returncode == 0, dump.stderr.decode()
    connection.close()
    places = {"the database's dump": dump.stdout.decode(errors="replace")}
    places |= {f"{log.name}": log.read_text(errors="replace") for log in house.logs.glob("*.log")}
    places |= {log.name: log.read_text(errors="replace") for log in house.data.path.glob("*.log")}
    return [
        f"I7: {name} stands in {place}"
        for place, text in places.items()
        for name, secret in secrets(house).items()
        if secret in text
    ]
