"""What products, campaigns and terms are called: names for ids, ids for what people type, and a search."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from django.db import connection
from django.urls import reverse

from .entities import Pair
from .registry import Grain
from .snapshots import JUDGED, Snapshot, sql_type

# Leans on the naming table's key prefix (account, marketplace) and, for what no report names, on the snapshot's.
_CALLED = """
    SELECT n.{key}::text, min(n.{name}) FROM {names} n
     WHERE n.account_id = %(account)s AND n.marketplace_id = %(marketplace)s AND n.{key} = ANY(%(wanted)s::{type}[])
     GROUP BY n.{key}
"""
_KNOWN = """
    WITH pair AS (SELECT * FROM unnest(%(accounts)s::int[], %(marketplaces)s::int[]) AS p(account_id, marketplace_id))
    SELECT n.{key}::text AS entity, n.{name} AS name FROM {names} n JOIN pair USING (account_id, marketplace_id)
     WHERE {named}
     UNION
    SELECT s.{entity}::text, '' FROM {table} s JOIN pair USING (account_id, marketplace_id)
     WHERE s.period = %(period)s AND {seen}
"""


def names(snapshot: Snapshot, pair: Pair, wanted: Sequence[str]) -> dict[str, str]:
    """What entities of a scope are called; those without a name are left out."""
    naming = snapshot.naming
    kind = sql_type(naming.model, naming.key)
    sql = _CALLED.format(key=naming.key, name=naming.name, names=naming.model._meta.db_table, type=kind)
    with connection.cursor() as cursor:
        cursor.execute(sql, {"account": pair[0], "marketplace": pair[1], "wanted": list(wanted)})
        return {entity: name for entity, name in cursor.fetchall() if name}


def url(snapshot: Snapshot, entity: str) -> str:
    """The page of an entity."""
    return reverse(snapshot.naming.page, args=[entity])


def _known(snapshot: Snapshot, pairs: Collection[Pair], named: str, seen: str, **more: Any) -> list[tuple[str, str]]:
    naming = snapshot.naming
    words = {"key": naming.key, "name": naming.name, "entity": snapshot.entity}
    sql = _KNOWN.format(
        **words,
        names=naming.model._meta.db_table,
        table=snapshot.model._meta.db_table,
        named=named.format(**words),
        seen=seen.format(**words),
    )
    accounts, markets = [list(column) for column in zip(*pairs, strict=True)] if pairs else ([], [])
    with connection.cursor() as cursor:
        cursor.execute(sql, {"accounts": accounts, "marketplaces": markets, "period": JUDGED, **more})
        return list(cursor.fetchall())


def resolve(snapshot: Snapshot, pairs: Collection[Pair], texts: Collection[str]) -> dict[str, set[str]]:
    """Which entities of these (visible) scopes each text means: the id itself, or a name; {} for what nobody knows."""
    asked = {text: text.upper() if snapshot.grain is Grain.ASIN else text for text in texts}
    by_name = {text.casefold() for text in texts}
    found = _known(
        snapshot,
        pairs,
        "n.{key}::text = ANY(%(keys)s) OR lower(n.{name}) = ANY(%(names)s)",
        "s.{entity}::text = ANY(%(keys)s)",
        keys=list(asked.values()),
        names=[*by_name, *(text.lower() for text in texts)],
    )
    meant: dict[str, set[str]] = {}
    ids = {entity for entity, _name in found}
    called: dict[str, set[str]] = {}
    for entity, name in found:
        called.setdefault(name.casefold(), set()).add(entity)
    for text, key in asked.items():
        hits = {key} if key in ids else called.get(text.casefold(), set())
        if hits:
            meant[text] = hits
    return meant


def search(snapshot: Snapshot, pairs: Collection[Pair], text: str, most: int = 20) -> list[tuple[str, str]]:
    """(entity, name) of these scopes whose id or name has the text in it, by name."""
    like = "%" + text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    hits = _known(
        snapshot,
        pairs,
        "n.{key}::text ILIKE %(like)s OR n.{name} ILIKE %(like)s",
        "s.{entity}::text ILIKE %(like)s",
        like=like,
    )
    best: dict[str, str] = {}
    for entity, name in hits:
        best[entity] = best.get(entity) or name
    return sorted(best.items(), key=lambda hit: (hit[1] or hit[0], hit[0]))[:most]
