"""What the warehouses say beside the stock: restock advice, stranded stock, the ledger, fees, returns."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta

from ..business import Account, Sku
from ..truth import StockDay, Truth
from .flat_files import _file, _price
from .voice import _later

RESTOCK, STRANDED = "GET_RESTOCK_INVENTORY_RECOMMENDATIONS_REPORT", "GET_STRANDED_INVENTORY_UI_DATA"
LEDGER, STORAGE = "GET_LEDGER_SUMMARY_VIEW_DATA", "GET_FBA_STORAGE_FEE_CHARGES_DATA"
FEES, RETURNS = "GET_FBA_ESTIMATED_FBA_FEES_TXT_DATA", "GET_FBA_FULFILLMENT_CUSTOMER_RETURNS_DATA"
RESTOCK_HEADER = (
    "Country|Product Name|FNSKU|Merchant SKU|ASIN|Condition|Supplier|Supplier part no.|Currency code|Price|"
    "Sales last 30 days|Units Sold Last 30 Days|Total Units|Inbound|Available|FC transfer|FC Processing|"
    "Customer Order|Unfulfillable|Working|Shipped|Receiving|Fulfilled by|"
    "Total Days of Supply (including units from open shipments)|Days of Supply at Amazon Fulfillment Network|Alert|"
    "Recommended replenishment qty|Recommended ship date|Recommended action|Unit storage size"
).split("|")
STRANDED_HEADER = (
    "primary-action date-stranded Date-to-take-auto-removal status-primary status-secondary error-message "
    "stranded-reason asin sku fnsku product-name condition fulfilled-by fulfillable-qty your-price unfulfillable-qty "
    "reserved-quantity inbound-shipped-qty"
).split()
LEDGER_HEADER = (
    "Date|FNSKU|ASIN|MSKU|Title|Disposition|Starting Warehouse Balance|In Transit Between Warehouses|Receipts|"
    "Customer Shipments|Customer Returns|Vendor Returns|Warehouse Transfer In/Out|Found|Lost|Damaged|Disposed|"
    "Other Events|Ending Warehouse Balance|Unknown Events|Location|Store"
).split("|")
STORAGE_HEADER = (
    "asin fnsku product_name fulfillment_center country_code longest_side median_side shortest_side measurement_units "
    "weight weight_units item_volume volume_units product_size_tier average_quantity_on_hand "
    "average_quantity_pending_removal estimated_total_item_volume month_of_charge storage_rate currency "
    "estimated_monthly_storage_fee dangerous_goods_storage_type eligible_for_inventory_discount "
    "qualifies_for_inventory_discount total_incentive_fee_amount breakdown_incentive_fee_amount "
    "average_quantity_customer_orders"
).split()
_FEES_US = (
    "sku fnsku asin amazon-store product-name product-group brand fulfilled-by your-price sales-price longest-side "
    "median-side shortest-side length-and-girth unit-of-dimension item-package-weight unit-of-weight product-size-tier "
    "currency estimated-fee-total estimated-referral-fee-per-unit estimated-variable-closing-fee "
    "estimated-order-handling-fee-per-order estimated-pick-pack-fee-per-unit estimated-weight-handling-fee-per-unit "
    "expected-fulfillment-fee-per-unit"
).split()
_FEES_EU = (
    "sku fnsku asin product-name product-group brand fulfilled-by has-local-inventory your-price sales-price "
    "longest-side median-side shortest-side length-and-girth unit-of-dimension item-package-weight unit-of-weight "
    "product-size-weight-band currency estimated-fee-total estimated-referral-fee-per-unit "
    "estimated-variable-closing-fee expected-domestic-fulfilment-fee-per-unit expected-efn-fulfilment-fee-per-unit-uk "
    "expected-efn-fulfilment-fee-per-unit-de"
).split()
RETURNS_HEADER = (
    "return-date order-id sku asin fnsku product-name quantity fulfillment-center-id detailed-disposition reason "
    "status license-plate-number customer-comments"
).split()
CENTERS = {"US": ("PHX7", "LAX9"), "DE": ("FRA7", "LEJ1"), "JP": ("NRT5", "KIX4")}
#: Cubic feet of one piece, and what Amazon takes for one of them a month (in dollars' size).
VOLUME, STORAGE_RATE = 0.18, 0.78
REFERRAL, FULFILMENT = 0.15, 0.18
_REASONS = ("DEFECTIVE", "NO_LONGER_NEEDED", "UNWANTED_ITEM", "NOT_AS_DESCRIBED")


def fees_header(account: Account) -> list[str]:
    return _FEES_EU if account.marketplace == "DE" else _FEES_US


def restock(truth: Truth, account: Account, today: date) -> bytes:
    return _file(account, RESTOCK_HEADER, (_advice(account, item) for item in truth.stock(account.key, today)))


def _advice(account: Account, item: StockDay) -> dict[str, object]:
    pace = item.shipped[30] / 30
    supply = int(item.available / pace) if pace else ""
    wanted = max(0, int(pace * 60) - item.available - item.inbound)
    low = bool(pace) and item.available < pace * 14
    return {
        "Country": account.country,
        "Product Name": item.sku.title,
        "FNSKU": item.sku.fnsku,
        "Merchant SKU": item.sku.sku,
        "ASIN": item.sku.asin,
        "Condition": "New",
        "Currency code": account.currency,
        "Price": _price(account, item.sku.price),
        "Sales last 30 days": _price(account, item.shipped[30] * item.sku.price),
        "Units Sold Last 30 Days": item.shipped[30],
        "Total Units": item.available + item.inbound + item.reserved,
        "Inbound": item.inbound,
        "Available": item.available,
        "FC transfer": item.reserved,
        "FC Processing": 0,
        "Customer Order": 0,
        "Unfulfillable": item.unfulfillable,
        "Working": 0,
        "Shipped": item.inbound,
        "Receiving": 0,
        "Fulfilled by": "Amazon",
        "Total Days of Supply (including units from open shipments)": (
            int((item.available + item.inbound) / pace) if pace else ""
        ),
        "Days of Supply at Amazon Fulfillment Network": supply,
        "Alert": "out_of_stock" if not item.available else "reorder_now" if low else "",
        "Recommended replenishment qty": wanted,
        "Recommended action": "Create shipping plan" if wanted and low else "No action required",
        "Unit storage size": f"{VOLUME} ft3",
    }


def stranded_stock(truth: Truth, account: Account, today: date) -> tuple[StockDay, ...]:
    """Stock whose listing was closed: a few SKUs of each account."""
    return tuple(item for item in truth.stock(account.key, today) if item.sku.index % 61 == 7 and item.available)


def stranded(truth: Truth, account: Account, today: date) -> bytes:
    return _file(
        account,
        STRANDED_HEADER,
        (
            {
                "primary-action": "Relist",
                "date-stranded": (today - timedelta(days=3 + item.sku.index % 9)).isoformat(),
                "Date-to-take-auto-removal": (today + timedelta(days=26 - item.sku.index % 9)).isoformat(),
                "status-primary": "Inactive",
                "stranded-reason": "Listing closed",
                "asin": item.sku.asin,
                "sku": item.sku.sku,
                "fnsku": item.sku.fnsku,
                "product-name": item.sku.title,
                "condition": "New",
                "fulfilled-by": "Amazon",
                "fulfillable-qty": item.available,
                "your-price": _price(account, item.sku.price),
                "unfulfillable-qty": item.unfulfillable,
                "reserved-quantity": item.reserved,
                "inbound-shipped-qty": item.inbound,
            }
            for item in stranded_stock(truth, account, today)
        ),
    )


def ledger(truth: Truth, account: Account, first: date, last: date, today: date) -> bytes:
    """Every day's shipments and Monday's receipts; each day begins with what the day before ended with."""
    ending = {item.sku.index: item.available for item in truth.stock(account.key, today)}
    by_day: list[list[dict[str, object]]] = []
    day = today - timedelta(days=1)
    while day >= first:
        rows = []
        receipts: dict[int, int] = defaultdict(int)
        if day.isoweekday() == 1:
            for back in range(1, 8):
                for item in truth.asins(account.key, day - timedelta(days=back)):
                    receipts[item.sku.index] += item.units
        for item in truth.asins(account.key, day):
            index = item.sku.index
            if index not in ending:
                continue
            starting = ending[index] + item.units - receipts[index]
            if day <= last:
                rows.append(_movement(account, item.sku, day, starting, receipts[index], item.units, ending[index]))
            ending[index] = starting
        by_day.append(rows)
        day -= timedelta(days=1)
    return _file(account, LEDGER_HEADER, (row for rows in reversed(by_day) for row in rows))


def _movement(
    account: Account, sku: Sku, day: date, starting: int, receipts: int, units: int, ending: int
) -> dict[str, object]:
    written = {"US": "%m/%d/%Y"}.get(account.marketplace, "%Y-%m-%d")
    return {
        "Date": day.strftime(written),
        "FNSKU": sku.fnsku,
        "ASIN": sku.asin,
        "MSKU": sku.sku,
        "Title": sku.title,
        "Disposition": "SELLABLE",
        "Starting Warehouse Balance": starting,
        "In Transit Between Warehouses": 0,
        "Receipts": receipts,
        "Customer Shipments": -units,
        "Customer Returns": 0,
        "Vendor Returns": 0,
        "Warehouse Transfer In/Out": 0,
        "Found": 0,
        "Lost": 0,
        "Damaged": 0,
        "Disposed": 0,
        "Other Events": 0,
        "Ending Warehouse Balance": ending,
        "Unknown Events": 0,
        "Location": account.country,
    }


def storage_fees(truth: Truth, account: Account, first: date, last: date, today: date) -> bytes:
    """The months that are over and charged: a month is charged from the fifteenth of the next."""
    rows: list[dict[str, object]] = []
    month = first.replace(day=1)
    while month <= last:
        after = (month + timedelta(days=31)).replace(day=1)
        if after + timedelta(days=14) <= today:
            rows += _month(truth, account, month)
        month = after
    return _file(account, STORAGE_HEADER, rows)


def _month(truth: Truth, account: Account, month: date) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for item in truth.stock(account.key, month + timedelta(days=14)):
        for share, center in zip((0.6, 0.4), CENTERS[account.marketplace], strict=True):
            held = item.available * share
            volume = held * VOLUME
            rate = STORAGE_RATE * (100 if account.digits == 0 else 1)
            rows.append(
                {
                    "asin": item.sku.asin,
                    "fnsku": item.sku.fnsku,
                    "product_name": item.sku.title,
                    "fulfillment_center": center,
                    "country_code": account.country,
                    "item_volume": VOLUME,
                    "volume_units": "cubic feet",
                    "product_size_tier": "Standard-Size",
                    "average_quantity_on_hand": f"{held:.2f}",
                    "average_quantity_pending_removal": "0.00",
                    "estimated_total_item_volume": f"{volume:.4f}",
                    "month_of_charge": f"{month:%Y-%m}",
                    "storage_rate": f"{rate:.2f}",
                    "currency": account.currency,
                    "estimated_monthly_storage_fee": f"{volume * rate:.4f}",
                    "total_incentive_fee_amount": "0.00",
                }
            )
    return rows


def fees(truth: Truth, account: Account, today: date) -> bytes:
    return _file(account, fees_header(account), (_fee(account, item) for item in truth.stock(account.key, today)))


def _fee(account: Account, item: StockDay) -> dict[str, object]:
    price = item.sku.price
    referral, shipping = _price(account, price * REFERRAL), _price(account, price * FULFILMENT)
    total = _price(account, float(referral) + float(shipping))
    return {
        "sku": item.sku.sku,
        "fnsku": item.sku.fnsku,
        "asin": item.sku.asin,
        "amazon-store": account.country,
        "product-name": item.sku.title,
        "product-group": "gl_kitchen",
        "brand": "Northwind",
        "fulfilled-by": "Amazon",
        "has-local-inventory": "Yes",
        "your-price": _price(account, price),
        "sales-price": _price(account, price),
        "longest-side": "9.4",
        "median-side": "6.1",
        "shortest-side": "3.2",
        "unit-of-dimension": "inches" if account.marketplace == "US" else "centimeters",
        "item-package-weight": "0.80",
        "unit-of-weight": "pounds" if account.marketplace == "US" else "kilograms",
        "product-size-tier": "Large standard-size",
        "product-size-weight-band": "Standard parcel",
        "currency": account.currency,
        "estimated-fee-total": total,
        "estimated-referral-fee-per-unit": referral,
        "estimated-variable-closing-fee": _price(account, 0),
        "expected-fulfillment-fee-per-unit": shipping,
        "expected-domestic-fulfilment-fee-per-unit": shipping,
        "expected-efn-fulfilment-fee-per-unit-uk": "--",
        "expected-efn-fulfilment-fee-per-unit-de": "--",
    }


def returns(truth: Truth, account: Account, first: date, last: date, today: date) -> bytes:
    """Pieces sent back to Amazon, from `first` to `last`."""
    rows: list[dict[str, object]] = []
    for day, order, chance in _later(truth, account, first, min(last, today), "fba returns", 0.03):
        if not order.amazon:
            continue
        line = order.lines[0]
        rows.append(
            {
                "return-date": f"{day.isoformat()}T12:00:00+00:00",
                "order-id": order.id,
                "sku": line.sku.sku,
                "asin": line.sku.asin,
                "fnsku": line.sku.fnsku,
                "product-name": line.sku.title,
                "quantity": 1,
                "fulfillment-center-id": CENTERS[account.marketplace][0],
                "detailed-disposition": "SELLABLE" if chance < 0.6 else "CUSTOMER_DAMAGED",
                "reason": _REASONS[int(chance * 4) % 4],
                "status": "Unit returned to inventory",
                "license-plate-number": f"LPN{order.id[-7:]}",
                "customer-comments": "My name is Jo Doe, call 555 0100 200." if chance > 0.7 else "",
            }
        )
    return _file(account, RETURNS_HEADER, rows)
