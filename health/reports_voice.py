"""What buyers say of the seller and send back to him: seller feedback and seller-fulfilled returns.

Both name buyers. Who gave feedback and the number of a parcel are not kept at all, and neither is a comment in
which the buyer left an e-mail address or a telephone number.
"""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from opsboard.feeds.personal import WITHHELD
from opsboard.feeds.registry import Column, Dataset, Kind, ReportSpec, Scope, register

from .models import Feedback, SellerReturn

INTEGER, MONEY, TEXT, DATE = Kind.INTEGER, Kind.MONEY, Kind.TEXT, Kind.DATE

# Amazon writes the header of feedback in the language of the marketplace, from the API as well: English, German,
# French, Italian (half of it), Spanish, Dutch, Polish.
COMMENTS = (
    "Comments", "Kommentare", "Commentaire", "Commentaires", "Commenti", "Comentarios", "Opmerkingen",
    "Komentarze")  # fmt: skip
RESPONSE = (
    "Your Response", "Response", "Antwort", "Ihre Antwort", "Votre réponse", "Risposta", "La tua risposta", "Respuesta",
    "Tu respuesta", "Su respuesta", "Antwoord", "Odpowiedź")  # fmt: skip

FEEDBACK = Dataset(
    key="seller_feedback",
    label=_("Seller feedback"),
    model=Feedback,
    # Buyers and Amazon take feedback away again: a day is as the newest document has it.
    scope=Scope.DAYS,
    lag_days=1,
    mature_days=30,
    derived={
        "comment": f"CASE WHEN s.comment = '{WITHHELD}' THEN '' ELSE s.comment END",
        "comment_withheld": f"s.comment = '{WITHHELD}'",
        "answered": "s.response <> ''",
    },
    columns=(
        Column("date", DATE, ("Date", "Datum", "Data", "Fecha"), required=True),
        Column(
            "rating",
            INTEGER,
            ("Rating", "Bewertung", "Évaluation", "Valutazione", "Valoración", "Beoordeling", "Ocena"),
            required=True,
            low=1,
            high=5,
        ),
        Column("comment", TEXT, COMMENTS, required=True, default=""),
        Column("response", TEXT, RESPONSE, required=True, default=""),
        Column(
            "order_id",
            TEXT,
            (
                "Order ID", "Bestellnummer", "Numéro de commande", "Numero ordine", "Número de pedido", "Bestelnummer",
                "Numer zamówienia"),
            default="",
        ),
    ),
)  # fmt: skip

RETURNS = Dataset(
    key="seller_returns",
    label=_("Seller-fulfilled returns"),
    model=SellerReturn,
    scope=Scope.GROUPS,
    group=("order_id", "rma_id", "date"),
    lag_days=1,
    mature_days=45,
    derived={"date": "s.requested_on"},
    columns=(
        Column("requested_on", DATE, ("Return request date",), required=True),
        Column("order_id", TEXT, ("Order ID",), required=True),
        Column("rma_id", TEXT, ("Amazon RMA ID",), required=True, default=""),
        Column("sku", TEXT, ("Merchant SKU",), default=""),
        Column("asin", TEXT, ("ASIN",), default=""),
        Column("order_item_id", TEXT, ("Order Item ID",), default=""),
        Column("ordered_on", DATE, ("Order date",)),
        Column("received_on", DATE, ("Return delivery date",), ahead=True),
        Column("status", TEXT, ("Return request status",), default=""),
        Column("reason", TEXT, ("Return Reason",), default=""),
        Column("kind", TEXT, ("Return type",), default=""),
        Column("resolution", TEXT, ("Resolution",), default=""),
        Column("in_policy", TEXT, ("In policy",), default=""),
        Column("a_to_z", TEXT, ("A-to-Z Claim",), default=""),
        Column("prime", TEXT, ("Is prime",), default=""),
        Column("quantity", INTEGER, ("Return quantity",), required=True),
        Column("order_quantity", INTEGER, ("Order quantity",)),
        Column("currency", Kind.CURRENCY, ("Currency code",)),
        Column("order_amount_minor", MONEY, ("Order Amount",)),
        Column("refunded_minor", MONEY, ("Refunded Amount",)),
        Column("label_cost_minor", MONEY, ("Label cost",)),
        Column("label_paid_by", TEXT, ("Label to be paid by",), default=""),
        Column("claim_state", TEXT, ("SafeT claim state",), default=""),
        Column("claim_reimbursed_minor", MONEY, ("SafeT claim reimbursement amount",)),
    ),
)

register(
    ReportSpec(
        key="seller_feedback",
        label=FEEDBACK.label,
        report_type="GET_SELLER_FEEDBACK_DATA",
        api="sp",
        format="tsv",
        datasets=(FEEDBACK,),
        # One request tells a month; how far back Amazon answers is not documented, and three months are enough
        # for what may still change.
        max_days=30,
        lookback_days=91,
        modest=True,
        every_hours=24,
        reask_days=30,
        moments=True,
        localised=True,
        source_page="Performance > Feedback > Download",
        personal=("*E-Mail*", "Rater Name"),
        written=(*COMMENTS, *RESPONSE),
        unstored=(
            "Rater Role",
            "Arrived on Time",
            "Item as Described",
            "Customer Service",
        ),
    ),
    ReportSpec(
        key="seller_returns",
        label=RETURNS.label,
        report_type="GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE",
        api="sp",
        format="tsv",
        datasets=(RETURNS,),
        # Amazon's longest; asked again as a whole, because a return goes on for weeks.
        max_days=60,
        lookback_days=180,
        modest=True,
        every_hours=24,
        reask_days=60,
        moments=True,
        localised=True,
        source_page="Orders > Manage Seller Fulfilled Returns > Return Reports",
        personal=("Tracking ID",),
        unstored=(
            "Merchant RMA ID",
            "Label type",
            "Return carrier",
            "Item Name",
            "Invoice number",
            "SafeT Action reason",
            "SafeT claim id",
            "SafeT claim creation time",
        ),
    ),
)
