"""How Sponsored Products reports of the console spell their columns in other languages.

Chinese, Japanese, German and Spanish, where that is known from real files. A language or a name
that is missing here is refused, never guessed.
"""

from __future__ import annotations

SPONSORED_PRODUCTS: dict[str, tuple[str, ...]] = {
    "Date": ("日期", "日付", "Datum", "Fecha"),
    "Start Date": ("开始日期", "開始日", "Startdatum", "Fecha de inicio"),
    "End Date": ("结束日期", "終了日", "Enddatum", "Fecha de finalización"),
    "Portfolio name": ("广告组合名称", "ポートフォリオ名", "Nombre de la cartera"),
    "Currency": ("货币", "通貨", "Währung", "Divisa"),
    "Campaign Name": (
        "广告活动名称", "キャンペーン名", "Kampagnen-Name", "Kampagnenname", "Nombre de campaña",
        "Nombre de la campaña"),
    "Ad Group Name": ("广告组名称", "広告グループ名", "Anzeigengruppenname", "Nombre del grupo de anuncios"),
    "Country": ("国家/地区", "Land", "País"),
    "Retailer": ("零售商",),
    "Status": ("状态",),
    "Budget": ("预算", "予算", "Presupuesto"),
    "Targeting Type": ("投放类型",),
    "Bidding strategy": ("竞价策略",),
    "Targeting": ("投放", "ターゲティング", "Ausrichtung", "Segmentación"),
    "Match Type": ("匹配类型", "マッチタイプ", "Übereinstimmungstyp", "Tipo de coincidencia"),
    "Customer Search Term": (
        "客户搜索词", "カスタマーの検索キーワード", "Suchbegriff des Kunden", "Suchbegriff eines Kunden",
        "Término de búsqueda de cliente"),
    "Placement": ("广告位", "放置", "Platzierung"),
    "Advertised SKU": ("广告SKU", "宣伝SKU", "Beworbene SKU", "SKU anunciado"),
    "Advertised ASIN": ("广告ASIN", "宣伝 ASIN", "Beworbene ASIN", "ASIN anunciado"),
    "Purchased ASIN": ("已购买的ASIN",),
    "7 Day Other SKU Orders": ("7天内其他SKU订单数(#)",),
    "Impressions": ("展示量", "インプレッション", "Impressionen", "Impresiones"),
    "Clicks": ("点击量", "クリック", "クリック数", "Klicks", "Clics"),
    "Click-Thru Rate (CTR)": ("点击率 (CTR)", "クリックスルー率（CTR）", "Klickrate (CTR)", "Índice de clics (CTR)"),
    "Cost Per Click (CPC)": (
        "单次点击成本 (CPC)", "每次点击成本(CPC)", "平均クリック単価 (CPC)", "クリック課金制（CPC）",
        "Kosten pro Klick (CPC)", "Coste por clic (CPC)"),
    "Spend": ("花费", "費用", "Ausgaben", "Gasto"),
    "7 Day Total Sales": (
        "7天总销售额", "広告がクリックされてから7日間の総売上高", "7 Tage, Umsatz gesamt (€)",
        "Ventas totales de 7 días (€)"),
    "7 Day Total Orders": (
        "7天总订单数(#)", "広告がクリックされてから7日間の合計注文数", "7 Tage, Aufträge gesamt (#)",
        "Pedidos totales de 7 días (#)"),
    "7 Day Total Units": (
        "7天总销售量(#)", "広告がクリックされてから7日間の合計販売数", "7 Tage, Einheiten gesamt (#)",
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
    "7 Day Other SKU Sales": (
        "7天内其他SKU销售额", "7-Tage, Andere SKU-Umsätze (€)", "Otras ventas SKU de 7 días (€)"),
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

# The same words with another number: what is counted over 14 days.
SPONSORED_PRODUCTS |= {
    name.replace("7", "14"): tuple(spelling.replace("7", "14") for spelling in spellings)
    for name, spellings in SPONSORED_PRODUCTS.items()
    if name.startswith("7 Day")
}
