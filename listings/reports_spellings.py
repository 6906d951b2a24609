"""How Business Reports and All Listings spell their columns in other languages, where that is known from real files.

French and Italian Business Reports are here in every spelling that can mean nothing else. A language
or a name that is missing here is refused, never guessed.
"""

from __future__ import annotations

#: Chinese, Japanese, German, Spanish (Spain, Mexico), Portuguese (Brazil), French, Italian.
BUSINESS_REPORT: dict[str, tuple[str, ...]] = {
    "SKU": ("Código SKU",),
    "Date": ("日期", "日付", "Datum", "Fecha", "Data"),
    "(Parent) ASIN": (
        "（父）ASIN", "（親）ASIN", "(Übergeordnete) ASIN", "ASIN (parent)", "ASIN parent", "(ASIN parent)",
        "ASIN (padre)", "(ASIN) parent", "ASIN padre", "(Padre) ASIN", "ASIN principale"),
    "(Child) ASIN": (
        "（子）ASIN", "(Untergeordnete) ASIN", "ASIN (child)", "ASIN (enfant)", "ASIN enfant", "(ASIN enfant)",
        "ASIN (figlio)", "ASIN figlio", "(ASIN) enfant", "(Figlio) ASIN"),
    "Title": ("标题", "標題", "タイトル", "Titel", "Título", "Titre", "Titolo"),
    "Sessions - Total": (
        "会话数 - 总计", "会话次数 – 总计", "工作階段 - 總計", "セッション数 - 合計", "セッション - 合計",
        "Sitzungen – Summe", "Sesiones: total", "Sessões - Total", "Sessioni - Totale", "Sessioni: totale",
        "Sessions : total"),
    "Sessions - Mobile App": ("Sitzungen – mobile App",),
    "Sessions - Browser": ("Sitzungen – Browser",),
    "Session Percentage - Total": (
        "转化率 - 总计", "会话百分比 - 总计", "セッション率 - 合計", "Porcentagem de sessões – Total",
        "Pourcentage de sessions - Total", "Pourcentage de session - Total", "Percentuale sessioni - Totale",
        "Percentuale di sessioni - Totale"),
    "Page Views - Total": (
        "页面浏览量 - 总计", "頁面瀏覽次數 - 總計", "ページビュー - 合計", "Seitenaufrufe – Summe",
        "Vistas de página: total", "Visualizações da página - Total", "Pages vues - Total", "Vues de la page - Total",
        "Vues de page - Total", "Visualizzazioni di pagina - Totale", "Visualizzazioni pagina - Totale",
        "Visualizzazioni della pagina - Totale", "Pagine visualizzate - Totale"),
    "Page Views Percentage - Total": (
        "页面浏览量百分比 - 总计", "ページビュー率 - 合計", "Porcentagem de visualizações de páginas – Total",
        "Pourcentage de pages vues - Total", "Pourcentage de vues de page - Total",
        "Percentuale visualizzazioni di pagina - Totale", "Percentuale di visualizzazioni di pagina - Totale",
        "Percentuale visualizzazioni pagina - Totale"),
    "Featured Offer (Buy Box) Percentage": (
        "推荐报价（推荐报价展示位）百分比", "おすすめ出品（おすすめ商品）の獲得率",
        "Porcentaje de ofertas destacadas (Buy Box)", "Porcentagem de Ofertas em destaque",
        "Pourcentage d'offres mises en avant (Buy Box)", "Pourcentage d'offre mise en avant (Buy Box)",
        "Pourcentage d'offres mises en avant", "Pourcentage d'offre en vedette (Buy Box)",
        "Pourcentage d'offres en vedette (Buy Box)", "Percentuale offerta in vetrina (Buy Box)",
        "Percentuale offerta in vetrina", "Percentuale offerte in vetrina (Buy Box)",
        "Percentuale di offerte in vetrina", "Percentuale offerte in vetrina"),
    "Units Ordered": (
        "已订购商品数量", "已訂購單位數量", "注文された商品点数", "Bestellte Einheiten", "Unidades encargadas",
        "Unidades pedidas", "Unités commandées", "Unità ordinate"),
    "Unit Session Percentage": (
        "商品会话百分比", "商品工作階段百分比", "ユニットセッション率", "Prozentsatz an Einheiten pro Sitzung",
        "Porcentagem de sessão de unidade", "Pourcentage de sessions par unité", "Pourcentage d'unités par session",
        "Pourcentage de session par unité", "Percentuale di unità per sessione", "Percentuale unità per sessione",
        "Percentuale unità-sessione"),
    "Ordered Product Sales": (
        "已订购商品销售额", "訂購產品銷售額", "注文商品の売上額", "Durch bestellte Produkte erzielter Umsatz",
        "Ventas de productos encargados", "Ventas de productos pedidos", "Vendas de produtos pedidos",
        "Ventes de produits commandés", "Ventes des produits commandés", "Ventes de produits commandées",
        "Vendite di prodotti ordinati", "Vendite prodotti ordinati", "Vendita prodotti ordinati",
        "Vendite dei prodotti ordinati"),
    "Total Order Items": (
        "订单商品总数", "注文品目総数", "Zahl der Bestellposten", "Total de artículos del pedido",
        "Total de itens do pedido", "Total des articles commandés", "Total d'articles commandés",
        "Nombre total d'articles commandés", "Nombre total d'articles de commande", "Totale articoli ordinati",
        "Articoli ordinati totali", "Totale articoli dell'ordine", "Totale degli articoli ordinati"),
    "Units Refunded": ("已退款的商品数量", "Unidades reembolsadas", "Unités remboursées", "Unità rimborsate"),
    "Refund Rate": ("退款率", "Taux de remboursement", "Tasso di rimborso", "Percentuale di rimborso"),
    "Average Offer Count": ("平均出品数", "Durchschnittliche Angebotszahl"),
    "Average Parent Items": ("親商品の平均数",),
}  # fmt: skip

#: The twins for business buyers are called like the column, with " - B2B" behind it; German and Spanish sales are not.
for _name in ("Ordered Product Sales", "Units Ordered"):
    BUSINESS_REPORT[f"{_name} - B2B"] = tuple(f"{spelling} - B2B" for spelling in BUSINESS_REPORT[_name])
BUSINESS_REPORT["Ordered Product Sales - B2B"] += ("Bestellsumme – B2B", "Ventas de productos encargados: B2B")

#: Search Query Performance: Chinese and Italian of both views, German of the Brand View and the ASIN View after it.
#: The Chinese page calls one thing by several names, and so do its files.
SEARCH_QUERIES: dict[str, tuple[str, ...]] = {
    "Reporting Date": ("报告日期", "Berichtsdatum"),
    "Search Query": ("搜索查询", "Query di ricerca", "Suchabfrage"),
    "Search Query Score": ("搜索查询得分", "搜索查询分数"),
    "Search Query Volume": ("搜索查询量", "搜索查询数量", "Volume query di ricerca", "Volumen der Suchabfrage"),
    "Impressions: Total Count": (
        "曝光：曝光总量", "曝光量：总数", "Impressioni: conteggio totale", "Eindrücke: Gesamtanzahl"),
    "Impressions: ASIN Count": (
        "曝光量：ASIN 计数", "曝光：ASIN 计数", "曝光量：ASIN 数量", "Impressioni: numero ASIN",
        "Impressioni: numero di ASIN", "Eindrücke: ASIN-Anzahl"),
    "Impressions: Brand Count": (
        "曝光: 曝光品牌数量", "曝光量：品牌数量", "Impressioni: conteggio marchio", "Eindrücke: Markenanzahl"),
    "Clicks: Total Count": ("点击量：总次数", "点击量：总数", "Clic: conteggio totale", "Klicks: Gesamtanzahl"),
    "Clicks: ASIN Count": (
        "点击量：ASIN 数量", "点击量：ASIN 计数", "Clic: numero di ASIN", "Clic: numero ASIN", "Klicks: ASIN-Anzahl"),
    "Clicks: Click Rate %": ("点击量：点击率 %", "Klicks: Klickrate %"),
    "Clicks: Price (Median)": ("点击量：价格(中位数)", "Klicks: Preis (Median)"),
    "Clicks: ASIN Price (Median)": ("点击量：ASIN 售价（中位数）", "Klicks: ASIN-Preis (Median)"),
    "Cart Adds: Total Count": (
        "购物车添加：总数", "购物车加入：总数", "Aggiunte al carrello: conteggio totale",
        "In den Einkaufswagen: Gesamtanzahl"),
    "Cart Adds: ASIN Count": (
        "加购：ASIN 数量", "加入购物车：ASIN 数量", "购物车添加：ASIN 数量", "购物车加入：ASIN 数量",
        "Aggiunte al carrello: numero ASIN", "Aggiunte al carrello: numero di ASIN",
        "In den Einkaufswagen: ASIN-Anzahl"),
    "Purchases: Total Count": ("购买：下单总数", "Acquisti: conteggio totale", "Käufe: Gesamtanzahl"),
    "Purchases: ASIN Count": (
        "下单成交：ASIN 数量", "购买次数：ASIN 数量", "Acquisti: numero ASIN", "Acquisti: numero di ASIN",
        "Käufe: ASIN-Anzahl"),
    "Purchases: Price (Median)": ("购买次数：价格（中位数）", "Käufe: Preis (Median)"),
    "Purchases: ASIN Price (Median)": (
        "购买次数：ASIN 价格（中位数）", "购买次数：ASIN 售价（中位数）", "Käufe: ASIN-Preis (Median)"),
}  # fmt: skip
#: How the line above the header says that its rows are weeks.
WEEKLY = {
    "Reporting Range": "Weekly", "报告范围": "每周", "Periodo interessato": "Settimanale",
    "Berichtszeitraum": "Wöchentlich"}  # fmt: skip
#: What else of days it tells.
CHOSEN_WEEK = ("Select week", "Select year", "选择周", "选择年份")

#: Top Search Terms in Chinese: as the page called the places until the spring of 2026, and since.
TOP_TERMS: dict[str, tuple[str, ...]] = {
    "Reporting Date": ("报告日期",),
    "Search Term": ("搜索词",),
    "Search Frequency Rank": ("搜索频率排名",),
    **{
        f"Top Clicked Product #{number}: {english}": (f"点击量最高的商品 #{number}：{chinese}",)
        for number in (1, 2, 3)
        for english, chinese in {
            "ASIN": "ASIN", "Product Title": "商品名称", "Click Share": "点击份额", "Conversion Share": "转化份额"
        }.items()
    },
}  # fmt: skip
for _name, _spellings in {
    "Top Clicked Product #1: ASIN": ("点击量第1的商品：ASIN",),
    "Top Clicked Product #1: Product Title": ("点击量第1的商品: 商品标题",),
    "Top Clicked Product #1: Click Share": ("点击量最高的商品：点击份额",),
    "Top Clicked Product #1: Conversion Share": ("点击量第1的商品：转化贡献占比",),
    "Top Clicked Product #2: ASIN": ("点击量第2的商品：ASIN",),
    "Top Clicked Product #2: Product Title": ("点击量第2的商品：商品标题",),
    "Top Clicked Product #2: Click Share": ("点击量第二的商品：点击份额",),
    "Top Clicked Product #2: Conversion Share": ("热门点击商品第2名：转化贡献占比",),
    "Top Clicked Product #3: ASIN": ("点击量第三的商品：ASIN",),
    "Top Clicked Product #3: Product Title": ("点击量第3的商品：商品标题",),
    "Top Clicked Product #3: Click Share": ("点击量第三的商品：点击份额",),
    "Top Clicked Product #3: Conversion Share": ("点击量第3的商品：转化贡献占比",),
}.items():
    TOP_TERMS[_name] += _spellings

# All Listings, in the languages of the account: English, Japanese, German, French, Italian, Spanish,
# Polish, Turkish, Chinese.
SKU = (
    "seller-sku", "出品者SKU", "Händler-SKU", "sku-vendeur", "SKU venditore", "SKU del vendedor", "sku-sprzedawcy",
    "seller-sku (satıcı sku)", "卖家 SKU")  # fmt: skip
TITLE = (
    "item-name", "商品名", "Artikelbezeichnung", "nom-produit", "Nome dell'articolo", "Título del producto",
    "nazwa-produktu", "item-name (ürün adı)", "商品名称")  # fmt: skip
DESCRIPTION = (
    "item-description", "商品の説明", "Artikelbeschreibung", "Descrizione dell'articolo", "Descripción del producto",
    "opis-produktu", "商品描述")  # fmt: skip
PRICE = ("price", "価格", "Preis", "prix", "Prezzo", "Precio", "cena", "price (fiyat)", "价格")
QUANTITY = ("quantity", "数量", "Menge", "quantité", "Quantità", "Cantidad", "ilość", "quantity (adet)")
CHANNEL = (
    "fulfillment-channel", "フルフィルメント・チャンネル", "Versender", "canal-traitement", "Canale di gestione",
    "Canal de gestión logística", "kanał-realizacji", "fulfillment-channel (dağıtım kanalı)", "配送渠道")  # fmt: skip
STATUS = ("status", "ステータス", "état", "stato", "Estado del producto", "durum", "状态")
OPENED = (
    "open-date", "出品日", "Erstellungsdatum", "date-ouverture", "Data di creazione", "Fecha de creación",
    "data-otwarcia", "open-date (yayınlanma tarihi)", "开售日期")  # fmt: skip
PRODUCT_ID = (
    "product-id", "商品ID", "Produkt-ID", "id-produit", "Identificativo del prodotto", "Identificador del producto",
    "identyfikator-produktu", "product-id (ürün numarası)", "商品编码")  # fmt: skip
