"""How Sponsored Products reports of the console spell their columns in other languages.

Chinese, Japanese, German and Spanish as real files have them; French and Italian also in every order of
the words that can mean nothing else. A language or a name that is missing here is refused, never guessed.
"""

from __future__ import annotations

from collections.abc import Iterator

SPONSORED_PRODUCTS: dict[str, tuple[str, ...]] = {
    "Date": ("日期", "日付", "Datum", "Fecha", "Data"),
    "Start Date": (
        "开始日期", "開始日", "Startdatum", "Fecha de inicio", "Date de début", "Data di inizio", "Data inizio"),
    "End Date": ("结束日期", "終了日", "Enddatum", "Fecha de finalización", "Date de fin", "Data di fine", "Data fine"),
    "Portfolio name": (
        "广告组合名称", "ポートフォリオ名", "Nombre de la cartera", "Nom du portefeuille", "Nom de portefeuille",
        "Nome portafoglio", "Nome del portafoglio"),
    "Currency": ("货币", "通貨", "Währung", "Divisa", "Devise", "Valuta"),
    "Campaign Name": (
        "广告活动名称", "キャンペーン名", "Kampagnen-Name", "Kampagnenname", "Nombre de campaña",
        "Nombre de la campaña", "Nom de la campagne", "Nom de campagne", "Nome campagna", "Nome della campagna"),
    "Ad Group Name": (
        "广告组名称", "広告グループ名", "Anzeigengruppenname", "Nombre del grupo de anuncios",
        "Nom du groupe d'annonces", "Nom de groupe d'annonces", "Nom du groupe publicitaire",
        "Nome gruppo di annunci", "Nome del gruppo di annunci", "Nome gruppo annunci"),
    "Country": ("国家/地区", "Land", "País", "Pays", "Paese"),
    "Retailer": ("零售商",),
    "Status": ("状态", "Statut", "Stato"),
    "Budget": ("预算", "予算", "Presupuesto"),
    "Targeting Type": ("投放类型", "Type de ciblage", "Tipo di targeting"),
    "Bidding strategy": ("竞价策略", "Stratégie d'enchères", "Stratégie d'enchère", "Strategia di offerta"),
    "Targeting": ("投放", "ターゲティング", "Ausrichtung", "Segmentación", "Ciblage"),
    "Match Type": (
        "匹配类型", "マッチタイプ", "Übereinstimmungstyp", "Tipo de coincidencia", "Type de correspondance",
        "Tipo di corrispondenza"),
    "Customer Search Term": (
        "客户搜索词", "カスタマーの検索キーワード", "Suchbegriff des Kunden", "Suchbegriff eines Kunden",
        "Término de búsqueda de cliente", "Terme de recherche client", "Terme de recherche du client",
        "Terme de recherche des clients", "Termes de recherche client", "Termine di ricerca cliente",
        "Termine di ricerca del cliente", "Termine di ricerca dei clienti", "Termini di ricerca cliente",
        "Termine ricerca cliente"),
    "Top-of-search Impression Share": ("搜索结果首页首位展示量份额",),
    "Cost type": ("费用类型",),
    "Viewable Impressions": ("可查看的展现量",),
    "Placement": ("广告位", "放置", "Platzierung", "Emplacement", "Posizionamento"),
    "Advertised SKU": (
        "广告SKU", "宣伝SKU", "Beworbene SKU", "SKU anunciado", "SKU annoncé", "SKU publicisé", "SKU promu",
        "SKU pubblicizzato", "SKU promosso"),
    "Advertised ASIN": (
        "广告ASIN", "宣伝 ASIN", "Beworbene ASIN", "ASIN anunciado", "ASIN annoncé", "ASIN publicisé", "ASIN promu",
        "ASIN pubblicizzato", "ASIN promosso"),
    "Purchased ASIN": ("已购买的ASIN", "ASIN acheté", "ASIN acquistato"),
    "7 Day Other SKU Orders": ("7天内其他SKU订单数(#)",),
    "Impressions": ("展示量", "インプレッション", "Impressionen", "Impresiones", "Impressioni", "Impression"),
    "Clicks": ("点击量", "クリック", "クリック数", "Klicks", "Clics", "Clic", "Click"),
    "Click-Thru Rate (CTR)": (
        "点击率 (CTR)", "クリックスルー率（CTR）", "Klickrate (CTR)", "Índice de clics (CTR)", "Taux de clics (CTR)",
        "Taux de clic (CTR)", "Percentuale di clic (CTR)", "Tasso di clic (CTR)"),
    "Cost Per Click (CPC)": (
        "单次点击成本 (CPC)", "每次点击成本(CPC)", "平均クリック単価 (CPC)", "クリック課金制（CPC）",
        "Kosten pro Klick (CPC)", "Coste por clic (CPC)", "Coût par clic (CPC)", "Costo per clic (CPC)"),
    "Spend": ("花费", "費用", "広告費", "Ausgaben", "Gasto", "Dépense", "Dépenses", "Spesa", "Spese"),
    "7 Day Total Sales": (
        "7天总销售额", "広告がクリックされてから7日間の総売上高", "7日間の総売上高", "7 Tage, Umsatz gesamt (€)",
        "Gesamtumsatz in 7 Tagen",
        "Ventas totales de 7 días (€)"),
    "7 Day Total Orders": (
        "7天总订单数(#)", "広告がクリックされてから7日間の合計注文数", "7日間の総注文数", "7 Tage, Aufträge gesamt (#)",
        "Gesamtzahl der Bestellungen in 7 Tagen (#)",
        "Pedidos totales de 7 días (#)"),
    "7 Day Total Units": (
        "7天总销售量(#)", "広告がクリックされてから7日間の合計販売数", "7日間の総販売数",
        "7 Tage, Einheiten gesamt (#)",
        "Gesamtzahl der Einheiten in 7 Tagen (#)",
        "Unidades totales de 7 días (#)"),
    "7 Day Conversion Rate": (
        "7天的转化率", "広告がクリックされてから7日間のコンバージョン率", "7-Tage-Konversionsrate",
        "Tasa de conversión de 7 días"),
    "7 Day Advertised SKU Units": (
        "7天内广告SKU销售量(#)", "7 Tage, Beworbene SKU-Einheiten (#)", "Unidades SKU anunciadas 7 días (#)"),
    "7 Day Other SKU Units": (
        "7天内其他SKU销售量(#)", "7-Tage, Andere SKU-Einheiten (#)", "Otras unidades SKU de 7 días (#)"),
    "7 Day Advertised SKU Sales": (
        "7天内广告SKU销售额", "7 Tage, Beworbene SKU-Umsätze (€)", "Ventas SKU anunciadas 7 días (€)"),
    "7 Day Other SKU Sales": ("7天内其他SKU销售额", "7-Tage, Andere SKU-Umsätze (€)", "Otras ventas SKU de 7 días (€)"),
    "Total Advertising Cost of Sales (ACoS)": (
        "广告投入产出比 (ACOS) 总计", "广告成本销售比(ACOS)", "広告費売上高比率（ACOS）合計",
        "Zugeschriebene Umsatzkosten (ACOS) gesamt", "Gesamtumsatzkosten für Werbung (ACOS)",
        "Coste publicitario de las ventas (ACOS) total"),
    "Total Return on Advertising Spend (RoAS)": (
        "总广告投资回报率 (ROAS)", "投入产出比(ROAS)", "広告費用対効果（ROAS）合計",
        "Gesamte Rentabilität der Anzeigenkosten (ROAS)",
        "Gesamtrendite von Werbeausgaben (Return on Advertising Spend, ROAS)",
        "Retorno de la inversión publicitaria (ROAS) total"),
}  # fmt: skip

#: A figure's name in French and Italian: what is counted, and over how many days.
_COUNTED: dict[str, tuple[str, ...]] = {
    "Total Sales": (
        "Ventes totales", "Total des ventes", "Total ventes", "Vendite totali", "Totale vendite",
        "Totale delle vendite"),
    "Total Orders": (
        "Commandes totales", "Total des commandes", "Nombre total de commandes", "Ordini totali", "Totale ordini",
        "Totale degli ordini", "Numero totale di ordini"),
    "Total Units": (
        "Unités totales", "Total des unités", "Nombre total d'unités", "Unità totali", "Totale unità",
        "Totale delle unità", "Numero totale di unità"),
    "Conversion Rate": ("Taux de conversion", "Tasso di conversione"),
}  # fmt: skip
_WINDOWS = (
    "7 jours", "sur 7 jours", "de 7 jours", "à 7 jours", "en 7 jours", "(7 jours)",
    "7 giorni", "di 7 giorni", "in 7 giorni", "a 7 giorni", "su 7 giorni", "entro 7 giorni", "(7 giorni)",
)  # fmt: skip


def _in_any_order(counted: tuple[str, ...]) -> Iterator[str]:
    for words in counted:
        for window in _WINDOWS:
            yield f"{words} {window}"
        for window in ("7 jours", "7 giorni"):
            yield from (f"{window} {words}", f"{window}, {words}")


for _name, _counted in _COUNTED.items():
    SPONSORED_PRODUCTS[f"7 Day {_name}"] += tuple(_in_any_order(_counted))

# The same words with another number: what is counted over 14 days.
SPONSORED_PRODUCTS |= {
    name.replace("7", "14"): tuple(spelling.replace("7", "14") for spelling in spellings)
    for name, spellings in SPONSORED_PRODUCTS.items()
    if name.startswith("7 Day")
}
