"""Warnings of the performance report, in the spellings of Amazon's schema, its example and real reports."""

from __future__ import annotations

from typing import Any

import pytest

from health.models import MetricDay
from opsboard.feeds.models import Ingest
from tests.feeds.test_pipeline import Desk, desk, kept

__all__ = ["desk", "kept"]
pytestmark = pytest.mark.django_db


def report(**block: Any) -> dict[str, Any]:
    return {
        "accountStatuses": [{"marketplaceId": "ATVPDKIKX0DER", "status": "NORMAL"}],
        "performanceMetrics": [{"marketplaceId": "ATVPDKIKX0DER", **block}],
    }


SPELLINGS: dict[str, tuple[str, list[Any], str]] = {
    "schema": ("warningStates", [{"warningType": "spammingSellerMessaging", "status": "BAD"}], "BAD"),
    "example": ("warningState", [{"warningType": "spammingSellerMessaging", "status": "BAD"}], "BAD"),
    "bare names": ("warningStates", ["spammingSellerMessaging"], ""),
}


@pytest.mark.parametrize("what", SPELLINGS)
def test_a_warning_is_a_metric_of_its_own(desk: Desk, what: str) -> None:
    name, warnings, status = SPELLINGS[what]
    outcome = desk.ingest(report(**{name: warnings}), "performance")
    assert outcome.state == Ingest.State.APPLIED
    assert MetricDay.objects.get(metric="warning_spammingSellerMessaging").status == status


def test_what_only_real_reports_have_is_counted_too(desk: Desk) -> None:
    desk.ingest(
        report(
            customerProductReviewsPolicyViolations={"defectsCount": 2, "status": "BAD"},
            policyViolationWarnings={"warningsCount": 3, "status": "NONE"},
        ),
        "performance",
    )
    found = {row.metric: row.numerator for row in MetricDay.objects.exclude(metric="account_status")}
    assert found == {"review_policy": 2, "policy_warnings": 3}
