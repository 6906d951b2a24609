"""A report that has failed for a day is a mail to the operators: once, until it comes again.

Waiting is no failure: a slow Amazon, a throttle or an outage ends by itself and is told on the pages. A mail
takes all the organisation's reports that fail just then, and what fails within a day of it waits for the next.
"""

from __future__ import annotations

from collections import defaultdict

from django.conf import settings
from django.db import connection, transaction
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from opsboard.accounts.models import AccountMarketplace, Membership
from opsboard.feeds import registry, standing
from opsboard.feeds.models import Feed
from opsboard.ui import formats, joins

from . import audience, mail, outbox

# Leans on feed_once and fetch_by_scope (account, marketplace, spec). One statement, so of any number of
# dispatchers one tells.
_CLAIM = """
    UPDATE feeds_feed SET told_failing_at = statement_timestamp() WHERE id IN (
        SELECT feed.id FROM feeds_feed feed
          JOIN accounts_selleraccount seller ON seller.id = feed.account_id
         WHERE feed.enabled AND feed.last_error <> '' AND seller.active
           AND (feed.told_failing_at IS NULL OR feed.told_failing_at < feed.last_success_at)
           AND (SELECT min(finished_at) FROM feeds_fetch f
                 WHERE f.account_id = feed.account_id AND f.marketplace_id = feed.marketplace_id
                   AND f.spec = feed.spec AND f.kind <> 'backfill'
                   AND f.state IN ('failed', 'quarantined', 'cancelled')
                   AND (feed.last_success_at IS NULL OR f.finished_at > feed.last_success_at)
               ) < statement_timestamp() - interval '1 day'
           AND NOT EXISTS (
                SELECT 1 FROM feeds_feed told JOIN accounts_selleraccount theirs ON theirs.id = told.account_id
                 WHERE theirs.organisation_id = seller.organisation_id
                   AND told.told_failing_at > statement_timestamp() - interval '1 day')
           FOR UPDATE OF feed SKIP LOCKED)
    RETURNING id"""


def tell() -> int:
    """Mail about reports that have failed for a day (called at each tick); how many mails were written."""
    written = 0
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_CLAIM)
            ids = [row[0] for row in cursor.fetchall()]
        by_organisation: dict[int, list[Feed]] = defaultdict(list)
        for feed in Feed.objects.filter(pk__in=ids).select_related("account", "marketplace").order_by("pk"):
            by_organisation[feed.account.organisation_id].append(feed)
        for organisation, feeds in by_organisation.items():
            stamp = min(feed.told_failing_at.isoformat() for feed in feeds if feed.told_failing_at)
            for member in audience.of(organisation):
                key = f"{outbox.Purpose.FAILING.value}:{feeds[0].pk}:{stamp}:{member.user_id}"
                outbox.put(key, outbox.Person(member), compose(feeds, member), outbox.Purpose.FAILING)
                written += 1
    return written


def compose(feeds: list[Feed], member: Membership) -> mail.Letter:
    """The letter about these feeds in the member's language."""
    url = settings.BASE_URL + reverse("feeds:index")
    with translation.override(member.user.language or settings.LANGUAGE_CODE):
        stories = [story(feed, url) for feed in feeds]
        first = {"count": len(stories), "what": stories[0].what, "where": stories[0].where}
        if len(stories) == 1:
            subject = _("A report fails: %(what)s, %(where)s") % first
        else:
            subject = _("%(count)d reports fail, first: %(what)s, %(where)s") % first
        return mail.letter(stories, subject, url, member)


def story(feed: Feed, url: str) -> mail.Told:
    """Tell a failing feed in the active language, as the Data page does."""
    label = next((str(spec.label) for spec in registry.specs() if spec.key == feed.spec), feed.spec)
    scope = AccountMarketplace.objects.filter(account=feed.account_id, marketplace=feed.marketplace_id)
    going = standing.of(list(scope)).get((feed.account_id, feed.marketplace_id, feed.spec), [])
    told = standing.worst(going, feed.last_success_at)
    note = [told.sentence if told else feed.last_error]
    if told and told.said:
        note.append(_("Amazon's words: “%(said)s”") % {"said": told.said})
    if feed.last_success_at:
        last = formats.instant(feed.last_success_at, feed.marketplace)
        note.append(_("The last one came at %(time)s.") % {"time": last})
    else:
        note.append(_("It has never come so far."))
    return mail.Told(
        what=joins.aside(label, told.word) if told else label,
        where=joins.listed((feed.account.name, feed.marketplace.code)),
        note=joins.sentences(*note),
        next_step=told.todo if told else "",
        url=url,
    )
