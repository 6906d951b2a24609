"""Files opsboard can name but not read yet, by the columns only they have.

A name is worth more than "unknown file": the operator learns that the download is right and the
product is not there yet, or which download to take instead.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from .staging import canonical


@dataclass(frozen=True, slots=True)
class Kind:
    """A recognisable kind of file: it has all columns of `has` and none of `lacks`."""

    name: str
    has: tuple[str, ...]
    lacks: tuple[str, ...] = ()
    #: What to do instead, when there is something.
    todo: object = ""

    def fits(self, header: Collection[str]) -> bool:
        return all(canonical(name) in header for name in self.has) and not any(
            canonical(name) in header for name in self.lacks
        )


_ALL_LISTINGS = _("Download the All Listings Report (Inventory > Inventory Reports).")
_ALL_ORDERS = _(
    "It has the buyers' names and addresses, which opsboard does not keep. Download “All Orders” instead "
    "(Reports > Fulfilment)."
)
#: Amazon closes the console's “Sponsored ads reports” at the end of 2026; Amazon Ads reporting takes their place.
REPORTING = _(
    "In Amazon Ads reporting, create a report with the filter “Ad product”: Sponsored Products and these columns: "
    "Date, Ad product, Budget currency, Advertised product marketplace, Campaign ID and name, Impressions, Clicks, "
    "Total cost, Purchases, Sales, Units sold. For what is finer than campaigns, add Ad group ID and name, and: "
    "Target ID and Targeting; the same with Search term; or Advertised product ID and SKU."
)
_BY_DAY = _(
    "In the advertising console, create the Sponsored Products report with time unit “Daily” instead, or one of Amazon "
    "Ads reporting with the column “Date”."
)
_CAMPAIGNS_BY_DAY = _(
    "In the advertising console, create the report “Campaign” with time unit “Daily” instead, or one of Amazon Ads "
    "reporting with the columns “Date” and “Campaign ID”."
)
_TERMS_BY_DAY = _(
    "In the advertising console, create the report “Search term” with time unit “Daily” instead, or one of Amazon Ads "
    "reporting with the columns “Date”, “Search term” and “Target ID”."
)
_BULK = _(
    "Its figures are totals of all the days that were chosen on the page, and opsboard keeps days. In the advertising "
    "console, create the reports under “Sponsored ads reports” with time unit “Daily” instead, or in Amazon Ads "
    "reporting with the column “Date”."
)

_SELLERS = _("opsboard reads what sellers have in Seller Central and the advertising console.")
_DATE_RANGE = _(
    "It tells each order in one line. Download the report “Transaction” instead (Payments > Reports Repository > "
    "Date Range Reports)."
)
_OLDER = _(
    "It has no sales after clicks alone, which opsboard keeps. Download it again in the advertising console: the "
    "reports of today have them."
)
_CLICKED = "14 Day Total Sales - (Click)"
_STOCK = _("Download “Manage FBA Inventory” instead, for one marketplace (Reports > Fulfilment > Inventory).")
_LEDGER = _("Download the Summary View of the Inventory Ledger instead, by day and country (Reports > Fulfilment).")
_ORDERS = _("Download “All Orders” instead (Reports > Fulfilment).")
_QUERIES = _("On the page, choose the ASIN View, one ASIN and one week, and download it again without changing it.")

#: The first that fits names the file, so the more telling ones stand first.
KINDS: tuple[Kind, ...] = (
    Kind("Fivetran table", ("_fivetran_synced",), todo=_("Connect Amazon, or download the report from Amazon itself.")),
    Kind("Fivetran table", ("_fivetran_id",), todo=_("Connect Amazon, or download the report from Amazon itself.")),
    Kind("Amazon SP-API order table", ("amazon_order_id", "order_item_id", "asin"), ("purchase-date",)),
    Kind("Amazon SP-API order table", ("amazon_order_id", "fulfillment_channel", "is_business_order"), ("item-price",)),
    Kind("sellerboard export", ("SalesOrganic", "SalesPPC"), todo=_("Download the report from Amazon itself.")),
    Kind("Amazon Unshipped Orders", ("order-id", "order-item-id", "payments-date"), todo=_ALL_ORDERS),
    Kind("Amazon Unshipped Orders", ("order-id", "order-item-id", "recipient-name"), todo=_ALL_ORDERS),
    Kind("Order list", ("Order ID", "Date", "Qty", "Amount"), todo=_ORDERS),
    Kind("Amazon Payments, Transaction View", ("Transaction type", "Product Details", "Amazon fees"), (), _DATE_RANGE),
    Kind(
        "Amazon Payments, Transaction View",
        ("Tipo de transação", "Detalhes do produto", "Tarifas da Amazon"),
        (),
        _DATE_RANGE,
    ),
    Kind("Amazon Inventory Ledger Detail", ("MSKU", "Event Type", "Reference ID"), todo=_LEDGER),
    Kind("Amazon FBA Long-Term Storage Fees", ("snapshot-date", "surcharge-age-tier")),
    Kind("Amazon FBA Long-Term Storage Fees", ("snapshot-date", "qty-charged-12-mo-long-term-storage-fee")),
    Kind(
        "Amazon FBA Customer Shipment Sales", ("shipment-date", "item-price-per-unit", "amazon-order-id"), (), _ORDERS
    ),
    Kind("Amazon FBA Replacements", ("shipment-date", "replacement-amazon-order-id")),
    Kind("Amazon FBA Inbound Performance", ("fba-shipment-id", "problem-type", "problem-quantity")),
    Kind("Amazon Recommended Removals", ("sku", "Recommended-Removal-Reason")),
    Kind("Amazon Subscribe & Save", ("sku", "active-subscriptions")),
    Kind("Amazon Subscribe & Save", ("sku", "sns-avg-sale-price")),
    # What the Inventory Ledger took the place of.
    Kind("Older Amazon inventory report", ("adjusted-date", "fnsku", "disposition"), (), _LEDGER),
    Kind("Older Amazon inventory report", ("received-date", "fnsku", "fba-shipment-id"), (), _LEDGER),
    Kind("Older Amazon inventory report", ("snapshot-date", "fnsku", "transaction-type"), (), _LEDGER),
    Kind("Older Amazon inventory report", ("month", "fnsku", "average-quantity"), (), _LEDGER),
    Kind("Older Amazon inventory report", ("snapshot-date", "detailed-disposition", "quantity"), (), _LEDGER),
    Kind("Amazon Multi-Country Inventory", ("seller-sku", "country", "quantity-for-local-fulfillment"), (), _STOCK),
    Kind("Amazon Fulfilled Inventory", ("seller-sku", "Warehouse-Condition-code", "Quantity Available"), (), _STOCK),
    Kind("Amazon Active Listings", ("item-name", "listing-id", "seller-sku"), ("status",), _ALL_LISTINGS),
    Kind(
        "Amazon Cancelled Listings", ("item-name", "seller-sku", "add-delete"), ("listing-id", "status"), _ALL_LISTINGS
    ),
    Kind(
        "Amazon Open Listings",
        ("seller-sku", "price", "quantity", "product-id"),
        ("item-name", "status"),
        _ALL_LISTINGS,
    ),
    Kind("Amazon Listing Quality", ("sku", "alert-type", "alert-name")),
    Kind("Amazon Active Listings", ("商品名", "出品ID", "出品者SKU"), ("status", "ステータス"), _ALL_LISTINGS),
    Kind(
        "Amazon Open Listings", ("sku", "asin", "price", "quantity"), ("item-name", "afn-total-quantity"), _ALL_LISTINGS
    ),
    Kind("Amazon Reserved Inventory", ("sku", "reserved_qty", "reserved_customerorders"), (), _STOCK),
    Kind(
        "Older Amazon inventory report",
        ("snapshot-date", "sku", "inv-age-0-to-90-days"),
        ("units-shipped-t30",),
        _("Download “Manage Inventory Health” instead (Reports > Fulfilment > Inventory)."),
    ),
    Kind("Amazon Removal Orders", ("request-date", "requested-quantity", "disposed-quantity"), (), _LEDGER),
    Kind("Amazon Removal Shipments", ("request-date", "shipment-date", "removal-order-type"), (), _LEDGER),
    Kind("Amazon Promotions", ("amazon-order-id", "item-promotion-id", "description"), ("item-price",)),
    Kind("Amazon Fulfilled Shipments", ("amazon-order-id", "shipment-id", "shipment-item-id"), todo=_ALL_ORDERS),
    Kind("Amazon Fulfilled Shipments", ("Amazon Order Id", "Shipped Quantity"), todo=_ALL_ORDERS),
    Kind("Report of Vendor Central", ("Ordered Revenue", "Shipped Revenue"), (), _SELLERS),
    Kind("Report of Vendor Central", ("Shipped Revenue", "Shipped COGS"), (), _SELLERS),
    Kind("Amazon GST report (MTR)", ("Seller Gstin", "Invoice Number")),
    Kind("Amazon VAT Transactions", ("UNIQUE_ACCOUNT_IDENTIFIER", "ACTIVITY_PERIOD")),
    Kind("Amazon Ads bulk sheet", ("Product", "Entity", "Operation", "Campaign ID"), (), _BULK),
    Kind("Amazon Ads bulk sheet", ("Product", "Campaign ID", "Customer Search Term"), (), _BULK),
    *(
        Kind("Amazon Ads bulk sheet", words, (), _BULK)
        for words in (
            ("Entität", "Vorgang"),
            ("Entité", "Opération"),
            ("Entità", "Operazione"),
            ("Entidad", "Operación"),
            ("实体层级", "操作"),
            ("エンティティ", "操作"),
        )
    ),
    Kind("Table of the Amazon Ads campaign manager", ("State", "Campaigns", "Impressions"), (), _BY_DAY),
    Kind("Table of the Amazon Ads campaign manager", ("State", "Status", "Impressions", "Clicks"), ("Date",), _BY_DAY),
    # Created with other columns, Amazon Ads reporting is read: see ads.reports_unified.
    *(
        Kind(f"Amazon Ads reporting (no column {column})", header, (column,), REPORTING)
        for column in ("Date", "Ad product", "Campaign ID", "Purchases", "Sales", "Units sold")
        for header in (("Budget currency", "Total cost", "Sales"), ("Campaign Name", "Total cost", "Purchases"))
    ),
    Kind("Amazon Ads bulk sheet", ("Campaign Name (Informational only)", "Impressions"), (), _BULK),
    Kind("Amazon Ads bulk sheet", ("Record ID", "Record Type", "Campaign ID"), (), _BULK),
    Kind("Sponsored Brands attributed purchases", ("Campaign Name", "Attribution type", "Purchased ASIN")),
    Kind("Sponsored ads placement", ("Campaign Name", "Placement", "Impressions"), (), _CAMPAIGNS_BY_DAY),
    Kind("Sponsored ads placement", ("Campaign Name", "Placement Type", "Impressions"), (), _CAMPAIGNS_BY_DAY),
    Kind(
        "Search term impression share",
        ("Customer Search Term", "Search Term Impression Share"),
        (),
        _TERMS_BY_DAY,
    ),
    Kind(
        "Sponsored ads performance over time",
        ("Portfolio name", "Clicks", "Cost Per Click (CPC)", "Spend"),
        ("Campaign Name",),
        _CAMPAIGNS_BY_DAY,
    ),
    Kind("Sponsored Products budget", ("Campaign Name", "Recommended Budget"), (), _CAMPAIGNS_BY_DAY),
    Kind("Sponsored Display matched target", ("Campaign Name", "Matched target", "Impressions")),
    Kind("Sponsored ads audience", ("Campaign Name", "Audience Name", "Impressions")),
    Kind(
        "Older report of Sponsored Display",
        ("14 Day Total Sales", "14 Day Detail Page Views (DPV)"),
        (_CLICKED,),
        _OLDER,
    ),
    Kind("Older report of Sponsored Brands", ("14 Day Total Sales", "14 Day New-to-brand Sales"), (_CLICKED,), _OLDER),
    Kind(
        "Older report of Sponsored Brands",
        ("14 Day Total Sales", "14 Day Conversion Rate", "Targeting"),
        (_CLICKED, "Ad Group Name"),
        _OLDER,
    ),
    Kind("Amazon Search Query Performance, Brand View", ("Search Query", "Impressions: Brand Count"), (), _QUERIES),
    Kind(
        "Amazon Search Query Performance",
        ("Search Query", "Search Query Score"),
        ("Impressions: ASIN Count",),
        _QUERIES,
    ),
    Kind("Amazon Search Catalog Performance", ("ASIN", "Impressions: Impressions", "Clicks: Clicks")),
    Kind("Amazon Search Catalog Performance", ("ASIN 商品名称", "点击: 点击量")),
    Kind("Amazon Repeat Purchase", ("Number of Orders", "Repeat Customer Count: Count")),
    Kind("Amazon Top Search Terms", ("Search Term", "Search Frequency Rank"), ("Top Clicked Product #1: ASIN",)),
)

#: JSON documents of Amazon's, by their reportType.
REPORT_TYPES = {
    "GET_BRAND_ANALYTICS_MARKET_BASKET_REPORT": "Amazon Market Basket",
    "GET_BRAND_ANALYTICS_REPEAT_PURCHASE_REPORT": "Amazon Repeat Purchase",
    "GET_BRAND_ANALYTICS_SEARCH_CATALOG_PERFORMANCE_REPORT": "Amazon Search Catalog Performance",
}

#: Rows of a JSON list.
RECORDS: tuple[Kind, ...] = (
    Kind("Amazon Ads API v2", ("campaignId", "attributedSales1d")),
    Kind("Amazon Ads API v2", ("campaignId", "attributedSales7d")),
    Kind("Amazon Ads API v2", ("campaignId", "attributedConversions1d")),
    # The two have the same columns: only the person knows which it is.
    Kind(
        "Sponsored Brands or Display (Ads API)",
        ("campaignId", "sales", "purchases"),
        ("sales7d",),
        _("Say which kind of report it is when you send it."),
    ),
)


def named(header: Collection[str], kinds: Collection[Kind] = KINDS) -> Kind | None:
    """The first known kind with these columns."""
    canonical_header = {canonical(name) for name in header}
    return next((kind for kind in kinds if kind.fits(canonical_header)), None)


def vocabulary() -> set[str]:
    """Canonical names that stand in some header opsboard can name."""
    return {canonical(name) for kind in KINDS for name in kind.has}
