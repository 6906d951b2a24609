"""Tags of an organisation: which accounts, products and campaigns carry them, kept and audited as one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.db import transaction
from django.db.models import ProtectedError

from opsboard.accounts import audit
from opsboard.accounts.models import Organisation, SellerAccount, Tag, TaggedEntity, User

from . import again

#: What carries a tag beside accounts: the entities of each kind (opsboard.kpis.snapshots).
Carried = Mapping[str, Iterable[str]]


def of(organisation: Organisation) -> list[Tag]:
    return list(Tag.objects.filter(organisation=organisation).prefetch_related("accounts", "entities"))


@transaction.atomic
def save(tag: Tag, accounts: Iterable[SellerAccount], carried: Carried, user: User) -> Tag:
    """Keep a tag with all that carries it; what is judged by it is judged anew."""
    before = _told(tag) if tag.pk else {}
    tag.save()
    tag.accounts.set(accounts)
    wanted = {(kind, entity) for kind, entities in carried.items() for entity in entities}
    kept = {(item.kind, item.entity): item.pk for item in tag.entities.all()}
    tag.entities.filter(pk__in=[pk for key, pk in kept.items() if key not in wanted]).delete()
    new = sorted(wanted - kept.keys())
    TaggedEntity.objects.bulk_create([TaggedEntity(tag=tag, kind=kind, entity=entity) for kind, entity in new])
    tag = Tag.objects.get(pk=tag.pk)
    action = "tag.changed" if before else "tag.created"
    audit.record(tag.organisation, user, action, tag.name, before=before, after=_told(tag))
    _ask_again(tag)
    return tag


def delete(tag: Tag, user: User) -> list[str]:
    """Take a tag away, unless something is told by it: then what that is called."""
    try:
        with transaction.atomic():
            audit.record(tag.organisation, user, "tag.deleted", tag.name, before=_told(tag))
            tag.delete()
    except ProtectedError as error:
        return sorted(str(item) for item in error.protected_objects)
    return []


def counts(tag: Tag) -> dict[str, int]:
    """How many of each kind carry it."""
    found: dict[str, int] = {}
    for item in tag.entities.all():
        found[item.kind] = found.get(item.kind, 0) + 1
    return found


def _told(tag: Tag) -> dict[str, object]:
    carried: dict[str, list[str]] = {}
    for item in tag.entities.all():
        carried.setdefault(item.kind, []).append(item.entity)
    accounts = ", ".join(sorted(account.name for account in tag.accounts.all()))
    return {"name": tag.name, "accounts": accounts, **{kind: ", ".join(some) for kind, some in carried.items()}}


def _ask_again(tag: Tag) -> None:
    for account in tag.organisation.accounts.filter(active=True):
        again.judge_again(account)
