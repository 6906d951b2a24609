"""Report files of any size for the benchmarks, as Amazon lays them out: deterministic, with a tenth changed or not."""

from __future__ import annotations

import json
import random
from datetime import timedelta
from pathlib import Path

from .documents import FIRST, WORDS

#: Days a file is about.
DAYS = 10
PLANNING = (
    "snapshot-date sku fnsku asin product-name condition available pending-removal-quantity inv-age-0-to-90-days "
    "inv-age-91-to-180-days inv-age-181-to-270-days inv-age-271-to-365-days inv-age-366-to-455-days "
    "inv-age-456-plus-days currency units-shipped-t7 units-shipped-t30 units-shipped-t60 units-shipped-t90 alert "
    "your-price sales-price recommended-action estimated-excess-quantity days-of-supply inbound-quantity "
    "reserved-quantity unfulfillable-quantity sell-through estimated-storage-cost-next-month"
).split()
ORDERS = (
    "amazon-order-id merchant-order-id purchase-date last-updated-date order-status fulfillment-channel sales-channel "
    "order-channel ship-service-level product-name sku asin item-status quantity currency item-price item-tax "
    "shipping-price shipping-tax gift-wrap-price gift-wrap-tax item-promotion-discount ship-promotion-discount "
    "ship-city ship-state ship-postal-code ship-country promotion-ids is-business-order purchase-order-number "
    "price-designation"
).split()
SETTLEMENT = (
    "settlement-id settlement-start-date settlement-end-date deposit-date total-amount currency transaction-type "
    "order-id merchant-order-id adjustment-id shipment-id marketplace-name amount-type amount-description amount "
    "fulfillment-id posted-date posted-date-time order-item-code merchant-order-item-id merchant-adjustment-item-id "
    "sku quantity-purchased promotion-id"
).split()
#: What an order line comes to in a settlement: type, description, cents.
AMOUNTS = (
    ("ItemPrice", "Principal", 2499),
    ("ItemPrice", "Tax", 206),
    ("ItemFees", "Commission", -375),
    ("ItemFees", "FBAPerUnitFulfillmentFee", -432),
)


def write_planning(file: Path, rows: int, changed: float) -> None:
    chance = random.Random(11)
    per_day = rows // DAYS + 1
    with file.open("w", encoding="utf-8", newline="\n") as out:
        out.write("\t".join(PLANNING) + "\n")
        for number in range(rows):
            day, index = divmod(number, per_day)
            stock = index % 900 + (1 if changed and chance.random() < changed else 0)
            title = (
                f"{WORDS[index % 37]} {WORDS[index % 31]} {WORDS[index % 29]} set of {index % 12}, {WORDS[index % 23]}"
            )
            cells = (
                FIRST + timedelta(days=day), f"SKU-{index:07d}", f"X{index:08d}", f"B0{index:08d}", title, "New", stock,
                0,
                stock, index % 7, index % 3, 0, 0, 0, "USD", index % 9, index % 40, index % 80, index % 120, "",
                f"{9 + index % 50}.99", "", "Create sale" if index % 5 == 0 else "", index % 60, index % 200,
                index % 11,
                index % 6, index % 2, index % 300 / 100, index % 900 / 100,
            )  # fmt: skip
            out.write("\t".join(map(str, cells)) + "\n")


def write_traffic(file: Path, rows: int, changed: float) -> None:
    chance = random.Random(12)
    day = FIRST.isoformat()
    about = {
        "reportType": "GET_SALES_AND_TRAFFIC_REPORT",
        "reportOptions": {"dateGranularity": "DAY", "asinGranularity": "CHILD"},
        "dataStartTime": day,
        "dataEndTime": day,
        "marketplaceIds": ["ATVPDKIKX0DER"],
    }
    amount = {"amount": 1.5, "currencyCode": "USD"}
    total = {"orderedProductSales": amount, "unitsOrdered": 3, "totalOrderItems": 2}
    by_date = [{"date": day, "salesByDate": total, "trafficByDate": {"sessions": 9, "pageViews": 12}}]
    with file.open("w", encoding="utf-8") as out:
        out.write(f'{{"reportSpecification":{json.dumps(about)},"salesAndTrafficByDate":{json.dumps(by_date)},')
        out.write('"salesAndTrafficByAsin":[')
        for index in range(rows):
            units = index % 9 + (1 if changed and chance.random() < changed else 0)
            views = units * 11 + index % 97
            out.write(
                f'{"," if index else ""}{{"parentAsin":"B1{index // 5:08d}","childAsin":"B0{index:08d}",'
                '"salesByAsin":{'
                f'"unitsOrdered":{units},"orderedProductSales":{{"amount":{units * 19.99:.2f},"currencyCode":"USD"}},'
                f'"totalOrderItems":{units}}},"trafficByAsin":{{"sessions":{views // 2},"pageViews":{views},'
                f'"buyBoxPercentage":{index % 1000 / 10},"unitSessionPercentage":{index % 400 / 10}}}}}'
            )
        out.write("]}")


def write_orders(file: Path, rows: int, changed: float) -> None:
    """Orders of one line or two; a changed one was shipped since and says so with a later update."""
    chance = random.Random(13)
    per_day = rows // DAYS + 1
    shipped = False
    with file.open("w", encoding="utf-8", newline="\n") as out:
        out.write("\t".join(ORDERS) + "\n")
        for number in range(rows):
            day, index = divmod(number, per_day)
            second_line = index % 3 == 2
            if not second_line:
                shipped = bool(changed) and chance.random() < changed
            order = number - 1 if second_line else number
            bought = f"{FIRST + timedelta(days=day)}T{9 + order % 12:02d}:{order % 60:02d}:07+00:00"
            updated = f"{FIRST + timedelta(days=day + 1 + shipped)}T08:{order % 60:02d}:09+00:00"
            quantity = index % 4 + 1
            cells = (
                f"111-{order:07d}-{order % 9999999:07d}", "", bought, updated, "Shipped" if shipped else "Shipping",
                "Amazon" if index % 4 else "Merchant", "Amazon.com", "", "Expedited",
                f"{WORDS[index % 37]} {WORDS[index % 31]} {WORDS[index % 29]}", f"SKU-{index % 20000:06d}",
                f"B0{index % 20000:08d}", "Shipped" if shipped else "Unshipped", quantity, "USD",
                f"{quantity * (9 + index % 50)}.99", f"{quantity}.20", "", "", "", "",
                "1.00" if index % 9 == 0 else "", "", "SEATTLE", "WA", "98101", "US", "", "false", "", "",
            )  # fmt: skip
            out.write("\t".join(map(str, cells)) + "\n")


def write_settlement(file: Path, rows: int, changed: float) -> None:
    """One settlement that adds up to its header; in a changed one a tenth of the amounts are a cent more."""
    chance = random.Random(14)
    cents = [
        AMOUNTS[number % 4][2] + (number // 4) % 900 + (1 if changed and chance.random() < changed else 0)
        for number in range(rows)
    ]
    last = FIRST + timedelta(days=DAYS - 1)
    total = sum(cents)
    head = ["91000001", f"{FIRST} 08:00:00 UTC", f"{last} 08:00:00 UTC", f"{last + timedelta(days=2)} 08:00:00 UTC"]
    with file.open("w", encoding="utf-8", newline="\n") as out:
        out.write("\t".join(SETTLEMENT) + "\n")
        out.write("\t".join([*head, f"{total // 100}.{total % 100:02d}", "USD", *[""] * 18]) + "\n")
        for number, amount in enumerate(cents):
            kind, description, _typical = AMOUNTS[number % 4]
            order = number // 4
            posted = FIRST + timedelta(days=order % (DAYS - 1))
            cells = (
                "91000001", "", "", "", "", "", "Order", f"111-{order:07d}-{order % 9999999:07d}", "", "",
                f"S{order:09d}", "Amazon.com", kind, description,
                f"{'-' if amount < 0 else ''}{abs(amount) // 100}.{abs(amount) % 100:02d}", "AFN", posted,
                f"{posted} 11:{order % 60:02d}:19 UTC", f"{order:014d}", "", "", f"SKU-{order % 20000:06d}", 1, "",
            )  # fmt: skip
            out.write("\t".join(map(str, cells)) + "\n")
