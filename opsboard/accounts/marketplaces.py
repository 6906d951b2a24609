"""Amazon's marketplaces as they are: id, region, time zone, currency, language.

Source: Amazon's "Marketplace IDs" and "Seller Central URLs" pages; time zones are those in
which Seller Central closes its day. `minor_digits` follows ISO 4217.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class MarketplaceFact:
    code: str
    amazon_id: str
    name: str
    region: str
    time_zone: str
    currency: str
    locale: str
    domain: str
    minor_digits: int = 2


MARKETPLACES: tuple[MarketplaceFact, ...] = (
    MarketplaceFact("US", "ATVPDKIKX0DER", "United States", "NA", "America/Los_Angeles", "USD", "en_US", "amazon.com"),
    MarketplaceFact("CA", "A2EUQ1WTGCTBG2", "Canada", "NA", "America/Los_Angeles", "CAD", "en_CA", "amazon.ca"),
    MarketplaceFact("MX", "A1AM78C64UM0Y8", "Mexico", "NA", "America/Los_Angeles", "MXN", "es_MX", "amazon.com.mx"),
    MarketplaceFact("BR", "A2Q3Y263D00KWC", "Brazil", "NA", "America/Sao_Paulo", "BRL", "pt_BR", "amazon.com.br"),
    MarketplaceFact("UK", "A1F83G8C2ARO7P", "United Kingdom", "EU", "Europe/London", "GBP", "en_GB", "amazon.co.uk"),
    MarketplaceFact("DE", "A1PA6795UKMFR9", "Germany", "EU", "Europe/Berlin", "EUR", "de_DE", "amazon.de"),
    MarketplaceFact("FR", "A13V1IB3VIYZZH", "France", "EU", "Europe/Paris", "EUR", "fr_FR", "amazon.fr"),
    MarketplaceFact("IT", "APJ6JRA9NG5V4", "Italy", "EU", "Europe/Rome", "EUR", "it_IT", "amazon.it"),
    MarketplaceFact("ES", "A1RKKUPIHCS9HS", "Spain", "EU", "Europe/Madrid", "EUR", "es_ES", "amazon.es"),
    MarketplaceFact("NL", "A1805IZSGTT6HS", "Netherlands", "EU", "Europe/Amsterdam", "EUR", "nl_NL", "amazon.nl"),
    MarketplaceFact("SE", "A2NODRKZP88ZB9", "Sweden", "EU", "Europe/Stockholm", "SEK", "sv_SE", "amazon.se"),
    MarketplaceFact("PL", "A1C3SOZRARQ6R3", "Poland", "EU", "Europe/Warsaw", "PLN", "pl_PL", "amazon.pl"),
    MarketplaceFact("BE", "AMEN7PMS3EDWL", "Belgium", "EU", "Europe/Brussels", "EUR", "fr_BE", "amazon.com.be"),
    MarketplaceFact("IE", "A28R8C7NBKEWEA", "Ireland", "EU", "Europe/Dublin", "EUR", "en_IE", "amazon.ie"),
    MarketplaceFact("TR", "A33AVAJ2PDY3EV", "Türkiye", "EU", "Europe/Istanbul", "TRY", "tr_TR", "amazon.com.tr"),
    MarketplaceFact("AE", "A2VIGQ35RCS4UG", "United Arab Emirates", "EU", "Asia/Dubai", "AED", "en_AE", "amazon.ae"),
    MarketplaceFact("SA", "A17E79C6D8DWNP", "Saudi Arabia", "EU", "Asia/Riyadh", "SAR", "ar_SA", "amazon.sa"),
    MarketplaceFact("EG", "ARBP9OOSHTCHU", "Egypt", "EU", "Africa/Cairo", "EGP", "ar_EG", "amazon.eg"),
    MarketplaceFact("IN", "A21TJRUUN4KGV", "India", "EU", "Asia/Kolkata", "INR", "en_IN", "amazon.in"),
    MarketplaceFact("ZA", "AE08WJ6YKNBMC", "South Africa", "EU", "Africa/Johannesburg", "ZAR", "en_ZA", "amazon.co.za"),
    MarketplaceFact("JP", "A1VC38T7YXB528", "Japan", "FE", "Asia/Tokyo", "JPY", "ja_JP", "amazon.co.jp", 0),
    MarketplaceFact("AU", "A39IBJ37TRP1C6", "Australia", "FE", "Australia/Sydney", "AUD", "en_AU", "amazon.com.au"),
    MarketplaceFact("SG", "A19VAU5U5O7RUS", "Singapore", "FE", "Asia/Singapore", "SGD", "en_SG", "amazon.sg"),
)
