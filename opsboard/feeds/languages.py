"""Which language a header is written in, for the sentence that refuses it. Never used to read anything."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

from babel import Locale
from django.utils.translation import get_language, to_locale

#: Words of headers about sales, stock and advertising; where languages share some, the most votes win.
_WORDS = {
    "de": "umsatz kampagne kampagnenname ausgaben klicks einheiten bestellte sitzungen seitenaufrufe impressionen "
    "anzeigengruppe anzeigengruppenname suchbegriff menge preis währung datum händler artikelbezeichnung tage "
    "suchabfrage eindrücke käufe bewertung kommentare antwort bestellnummer",
    "fr": "ventes campagne dépense dépenses clics unités commandées produits commandes nom jours recherche prix "
    "quantité vendeur groupe d'annonces devise correspondance ciblage",
    "it": "vendite campagna spesa clic unità ordinate prodotti ordini giorni ricerca prezzo quantità venditore gruppo "
    "annunci valuta corrispondenza sessioni impressioni",
    "es": "ventas campaña gasto clics unidades pedidas pedidos productos nombre días búsqueda precio cantidad vendedor "
    "grupo anuncios divisa segmentación sesiones impresiones fecha",
    "pt": "vendas campanha gastos cliques unidades pedidos produtos nome dias pesquisa preço quantidade vendedor grupo "
    "anúncios moeda sessões impressões",
    "nl": "verkoop verkopen campagne campagnenaam uitgaven klikken eenheden bestelde producten advertentiegroep dagen "
    "zoekterm prijs aantal verkoper valuta sessies vertoningen",
    "sv": "försäljning kampanj kampanjnamn utgifter klick enheter beställda produkter annonsgrupp dagar sökterm pris "
    "antal säljare valuta sessioner visningar betyg kommentarer svar",
    "pl": "sprzedaż kampania kampanii wydatki kliknięcia jednostki zamówione produkty reklam dni wyszukiwania cena "
    "ilość sprzedawca waluta sesje wyświetlenia nazwa",
    "tr": "satış satışlar kampanya harcama tıklama tıklamalar adet sipariş ürün reklam gün arama fiyat miktar satıcı "
    "gösterim oturum",
}
_LANGUAGES_OF: dict[str, set[str]] = {}
for _language, _words in _WORDS.items():
    for _word in _words.split():
        _LANGUAGES_OF.setdefault(_word, set()).add(_language)
#: How characters are called in Unicode -> the language that is written with them, the more telling first.
_SCRIPTS = (
    ("HIRAGANA", "ja"),
    ("KATAKANA", "ja"),
    ("HANGUL", "ko"),
    ("CJK", "zh"),
    ("ARABIC", "ar"),
    ("CYRILLIC", "ru"),
    ("DEVANAGARI", "hi"),
    ("THAI", "th"),
    ("HEBREW", "he"),
    ("GREEK", "el"),
)
#: One word may be a name of the seller's own.
_ENOUGH = 2


def name_of(header: Iterable[str]) -> str:
    """The language in the language of the page ("Italian"); "" where nothing tells it, or it is English."""
    text = " ".join(header).casefold()
    code = _by_script(text) or _by_words(text)
    if not code:
        return ""
    return Locale.parse(code).get_display_name(to_locale(get_language() or "en")) or code


def _by_script(text: str) -> str:
    scripts = {unicodedata.name(letter, "").split(" ")[0].split("-")[0] for letter in set(text) if not letter.isascii()}
    return next((code for script, code in _SCRIPTS if script in scripts), "")


def _by_words(text: str) -> str:
    votes = Counter(code for word in set(re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)?", text)) for code in _of(word))
    if not votes:
        return ""
    (code, most), *others = votes.most_common(2)
    return code if most >= _ENOUGH and (not others or others[0][1] < most) else ""


def _of(word: str) -> set[str]:
    return _LANGUAGES_OF.get(word, set())
