"""Tab-separated reports: the header lines are Amazon's, in its order."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from .. import stories
from ..business import Account
from ..truth import StockDay, Truth

LISTINGS = (
    "item-name item-description listing-id seller-sku price quantity open-date image-url item-is-marketplace "
    "product-id-type zshop-shipping-fee item-note item-condition zshop-category1 zshop-browse-path "
    "zshop-storefront-feature asin1 asin2 asin3 will-ship-internationally expedited-shipping zshop-boldface product-id "
    "bid-for-featured-placement add-delete pending-quantity fulfillment-channel merchant-shipping-group status"
).split()
STOCK = (
    "sku fnsku asin product-name condition your-price mfn-listing-exists mfn-fulfillable-quantity afn-listing-exists "
    "afn-warehouse-quantity afn-fulfillable-quantity afn-unsellable-quantity afn-reserved-quantity afn-total-quantity "
    "per-unit-volume afn-inbound-working-quantity afn-inbound-shipped-quantity afn-inbound-receiving-quantity "
    "afn-researching-quantity afn-reserved-future-supply afn-future-supply-buyable store"
).split()
_AIS = ("181-210", "211-240", "241-270", "271-300", "301-330", "331-365", "366-455", "456-plus")
PLANNING = (
    "snapshot-date|sku|fnsku|asin|product-name|condition|available|pending-removal-quantity|inv-age-0-to-90-days|"
    "inv-age-91-to-180-days|inv-age-181-to-270-days|inv-age-271-to-365-days|inv-age-366-to-455-days|"
    "inv-age-456-plus-days|currency|units-shipped-t7|units-shipped-t30|units-shipped-t60|units-shipped-t90|alert|"
    "your-price|sales-price|lowest-price-new-plus-shipping|lowest-price-used|recommended-action|"
    "DEPRECATED healthy-inventory-level|recommended-sales-price|recommended-sale-duration-days|"
    "recommended-removal-quantity|estimated-cost-savings-of-recommended-actions|sell-through|item-volume|"
    "volume-unit-measurement|storage-type|storage-volume|marketplace|product-group|sales-rank|days-of-supply|"
    "estimated-excess-quantity|weeks-of-cover-t30|weeks-of-cover-t90|featuredoffer-price|sales-shipped-last-7-days|"
    "sales-shipped-last-30-days|sales-shipped-last-60-days|sales-shipped-last-90-days|inv-age-0-to-30-days|"
    "inv-age-31-to-60-days|inv-age-61-to-90-days|inv-age-181-to-330-days|inv-age-331-to-365-days|"
    "estimated-storage-cost-next-month|inbound-quantity|inbound-working|inbound-shipped|inbound-received|"
    "no-sale-last-6-months|Total Reserved Quantity|unfulfillable-quantity|"
    + "|".join(f"quantity-to-be-charged-ais-{span}-days|estimated-ais-{span}-days" for span in _AIS)
    + "|historical-days-of-supply|fba-minimum-inventory-level|fba-inventory-level-health-status|"
    "Recommended ship-in quantity|Recommended ship-in date|Last updated date for Historical Days of Supply|"
    "Exempted from Low-Inventory-Level fee?|Low-Inventory-Level fee applied in current week?|"
    "Short term historical days of supply|Long term historical days of supply|Inventory age snapshot date|"
    "Inventory Supply at FBA|Reserved FC Transfer|Reserved FC Processing|Reserved Customer Order|"
    "Total Days of Supply (including units from open shipments)|supplier|is-seasonal-in-next-3-months|season-name|"
    "season-start-date|season-end-date"
).split("|")


def _file(account: Account, header: list[str], rows: Iterable[dict[str, object]]) -> bytes:
    lines = ["\t".join(header)]
    lines += ["\t".join(str(row.get(name, "")) for name in header) for row in rows]
    return ("\n".join(lines) + "\n").encode(account.charset)


def _price(account: Account, amount: float) -> str:
    return f"{amount:.{account.digits}f}"


def listings(truth: Truth, account: Account, today: date) -> bytes:
    suppressed = truth.told("suppressed", account.key, today)
    return _file(
        account,
        LISTINGS,
        (
            {
                "item-name": sku.title,
                "item-description": sku.title,
                "listing-id": f"0{sku.ean[2:]}",
                "seller-sku": sku.sku,
                "price": _price(account, sku.price),
                "quantity": "" if sku.fba else 40,
                "open-date": "2024-03-05 08:12:44 " + {"US": "PST", "DE": "MET", "JP": "JST"}[account.marketplace],
                "item-is-marketplace": "y",
                "product-id-type": 4,
                "item-condition": 11,
                "asin1": sku.asin,
                "product-id": sku.ean,
                "fulfillment-channel": {"US": "AMAZON_NA", "DE": "AMAZON_EU", "JP": "AMAZON_JP"}[account.marketplace]
                if sku.fba
                else "DEFAULT",
                "status": "Inactive" if suppressed and sku.index in stories.SUPPRESSED_SKUS else "Active",
            }
            for sku in truth.skus(account.key)
        ),
    )


def stock(truth: Truth, account: Account, today: date) -> bytes:
    return _file(
        account,
        STOCK,
        (
            {
                "sku": item.sku.sku,
                "fnsku": item.sku.fnsku,
                "asin": item.sku.asin,
                "product-name": item.sku.title,
                "condition": "New",
                "your-price": _price(account, item.sku.price),
                "mfn-listing-exists": "No",
                "afn-listing-exists": "Yes",
                "afn-warehouse-quantity": item.available + item.unfulfillable + item.reserved,
                "afn-fulfillable-quantity": item.available,
                "afn-unsellable-quantity": item.unfulfillable,
                "afn-reserved-quantity": item.reserved,
                "afn-total-quantity": item.available + item.unfulfillable + item.reserved + item.inbound,
                "per-unit-volume": "0.18",
                "afn-inbound-working-quantity": 0,
                "afn-inbound-shipped-quantity": item.inbound,
                "afn-inbound-receiving-quantity": 0,
                "afn-researching-quantity": 0,
                "afn-reserved-future-supply": 0,
                "afn-future-supply-buyable": 0,
            }
            for item in truth.stock(account.key, today)
        ),
    )


def planning(truth: Truth, account: Account, today: date) -> bytes:
    return _file(account, PLANNING, (_planning_row(account, item, today) for item in truth.stock(account.key, today)))


def _planning_row(account: Account, item: StockDay, today: date) -> dict[str, object]:
    a, sold, price = item.ages, item.shipped, item.sku.price
    pace = sold[30] / 30
    supply = int(item.available / pace) if pace else 0
    excess = max(0, item.available - int(pace * 90))
    aged = sum(a[2:])
    average = (item.available + sold[90] / 3) or 1
    row: dict[str, object] = {
        "snapshot-date": today.isoformat(),
        "sku": item.sku.sku,
        "fnsku": item.sku.fnsku,
        "asin": item.sku.asin,
        "product-name": item.sku.title,
        "condition": "New",
        "available": item.available,
        "pending-removal-quantity": 0,
        "currency": account.currency,
        "alert": "Out of stock" if not item.available else "Low stock" if supply < 14 and sold[30] else "",
        "your-price": _price(account, price),
        "sales-price": _price(account, price),
        "recommended-action": "Create removal order" if aged > item.available / 2 and item.available else "",
        "sell-through": f"{sold[90] / average:.2f}",
        "item-volume": "0.18",
        "volume-unit-measurement": "cubic feet",
        "storage-type": "Standard-size",
        "storage-volume": f"{item.available * 0.18:.2f}",
        "marketplace": account.country,
        "product-group": "gl_kitchen",
        "sales-rank": 1200 + item.sku.index * 37,
        "days-of-supply": supply,
        "estimated-excess-quantity": excess,
        "weeks-of-cover-t30": supply // 7,
        "weeks-of-cover-t90": supply // 7,
        "estimated-storage-cost-next-month": _price(account, item.available * price * 0.006),
        "inbound-quantity": item.inbound,
        "inbound-working": 0,
        "inbound-shipped": item.inbound,
        "inbound-received": 0,
        "no-sale-last-6-months": 0,
        "Total Reserved Quantity": item.reserved,
        "unfulfillable-quantity": item.unfulfillable,
        "historical-days-of-supply": supply,
        "fba-inventory-level-health-status": "Out of stock" if not item.available else "Healthy",
        "Inventory Supply at FBA": item.available + item.inbound,
    }
    row |= {f"units-shipped-t{span}": count for span, count in sold.items()}
    row |= {f"sales-shipped-last-{span}-days": _price(account, count * price) for span, count in sold.items()}
    names = ("0-to-90", "91-to-180", "181-to-270", "271-to-365", "366-to-455", "456-plus")
    return row | {f"inv-age-{name}-days": count for name, count in zip(names, a, strict=True)}
