"""The likely cause of each breach, worked out where it is judged and read by Today and by mails."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.conf import settings
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from opsboard.accounts.models import AccountMarketplace

from . import diagnosis
from .judge import Change
from .models import LikelyCause, Verdict
from .registry import kpis

Causes = Mapping[tuple[int, int, str], LikelyCause]


def remember(account_id: int, marketplace_id: int, changes: Iterable[Change]) -> None:
    """Work out again what changed; run where the verdicts are written, before anybody is told."""
    verdicts = [change.verdict for change in changes]
    kept = LikelyCause.objects.filter(account=account_id, marketplace=marketplace_id)
    over = [verdict.kpi for verdict in verdicts if verdict.status != Verdict.Status.BREACH]
    if over:
        kept.filter(kpi__in=over).delete()
    broken = [verdict for verdict in verdicts if verdict.status == Verdict.Status.BREACH and verdict.kpi in kpis()]
    scope = (
        AccountMarketplace.objects.select_related("account", "marketplace")
        .filter(account=account_id, marketplace=marketplace_id)
        .first()
        if broken
        else None
    )
    if scope is None:
        return
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            for verdict in broken:
                _work_out(verdict, scope, language)


def _work_out(verdict: Verdict, scope: AccountMarketplace, language: str) -> None:
    if not verdict.first or not verdict.last:
        return
    found = diagnosis.of_kpi(kpis()[verdict.kpi], scope, verdict.first, verdict.last)
    if found is None:
        return
    cause = found.cause
    LikelyCause.objects.update_or_create(
        account_id=scope.account_id,
        marketplace_id=scope.marketplace_id,
        kpi=verdict.kpi,
        language=language,
        defaults={
            "sentence": cause.finding.sentence if cause else "",
            "action": cause.action if cause else "",
            "worked_out_at": timezone.now(),
        },
    )


def words(cause: LikelyCause | None) -> str:
    """ "Most likely: ..."; empty where nothing is known."""
    return _("Most likely: %(cause)s") % {"cause": cause.sentence} if cause else ""


def known(pairs: Iterable[tuple[int, int]]) -> Causes:
    """What is known of the breaches of these (visible) accounts and marketplaces, in the reader's language."""
    wanted = set(pairs)
    # Leans on likely_cause_once (account, marketplace, kpi, language): a handful of rows an account.
    found = LikelyCause.objects.filter(
        account__in={account for account, _m in wanted}, language=translation.get_language()
    ).exclude(sentence="")
    return {
        (item.account_id, item.marketplace_id, item.kpi): item
        for item in found
        if (item.account_id, item.marketplace_id) in wanted
    }
