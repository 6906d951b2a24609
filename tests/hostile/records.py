"""JSON made to hurt."""

from __future__ import annotations

from . import EITHER, MB, READ, REFUSED, blocks

CAMPAIGN = (
    '{"date":"2026-10-02","campaignId":%s,"campaignName":%s,"campaignStatus":"ENABLED","campaignBudgetAmount":50.0,'
    '"campaignBudgetCurrencyCode":"USD","impressions":1000,"clicks":10,"cost":%s,"sales7d":40.5,"purchases7d":2,'
    '"unitsSoldClicks7d":3}'
)


def campaigns(*records: str) -> str:
    return f"[{','.join(records)}]"


def _campaign(number: object = 1, name: str = '"C"', cost: object = "1.5") -> str:
    return CAMPAIGN % (number, name, cost)


_MANY = [_campaign(n) for n in range(1, 40)]
_DEEP = "[" * 100_000 + "]" * 100_000
_DEEP_OBJECTS = '{"a":' * 100_000 + "1" + "}" * 100_000


def json(name: str, content: str | list[str], ends: str = REFUSED, says: str = "") -> None:
    parts = [content] if isinstance(content, str) else content
    blocks(name, lambda: (part.encode() for part in parts), ends, says, spec="sp_campaigns", suffix=".json")


json("JSON nested 100,000 deep", _DEEP)
json("JSON nested 100,000 deep in a record", campaigns(*_MANY, _campaign(99, _DEEP), *_MANY))
json("JSON of objects nested 100,000 deep in a record", campaigns(_campaign(99, _DEEP_OBJECTS), *_MANY))
json("JSON of objects nested 900 deep", campaigns(_campaign(99, '{"a":' * 900 + "1" + "}" * 900), *_MANY), EITHER)
json("JSON nested 100,000 deep under a key", f'{{"reportSpecification":{_DEEP_OBJECTS}}}')
json("JSON with a text of 100 MB", ["[" + _campaign(1, '"'), *["x" * MB] * 100, '"}]'])
json(
    "JSON with a text of 100 MB in a record",
    ["[", *[one + "," for one in _MANY], '{"a":"', *["x" * MB] * 100, '"}]'],
)
json("JSON with a text of 100 MB under a key", ['{"errors":"', *["x" * MB] * 100, '"}'])
json("JSON with 100 MB of blanks", ["[", *[" " * MB] * 100, campaigns(*_MANY)[1:]], EITHER)
json("JSON of 20 MB of empty records", ["[{}", *[",{}" * 70_000] * 100, "]"])
json("JSON of 20 MB of empty lists", ["[[]", *[",[]" * 70_000] * 100, "]"])
json("JSON of 16 MB of empty lists under a key", ['{"x":[[]', *[",[]" * 70_000] * 80, "]}"])
json("JSON of 16 MB of empty objects under a key", ['{"x":{"y":[{}', *[",{}" * 70_000] * 80, "]}}"])
json("JSON whose every record has a key of its own", campaigns(*[f'{{"k{n}":{n}}}' for n in range(100_000)]))
json("JSON with 10^5 keys", "[{" + ",".join(f'"k{n}":{n}' for n in range(100_000)) + "}]")
json("JSON with a key twice", campaigns(*_MANY, _campaign(77)[:-1] + ',"cost":99}', *_MANY), says="stands twice")
json(
    "JSON with a key twice in the first record",
    campaigns(_campaign(77)[:-1] + ',"cost":99}', *_MANY),
    says="stands twice",
)
json("JSON with a key twice in its only record", campaigns(_campaign(77)[:-1] + ',"cost":99}'), says="stands twice")
json(
    "JSON with a key twice, once spelt with an escape",
    campaigns(_campaign(77)[:-1] + ',"c\\u006fst":99}'),
    says="twice",
)
json(
    "JSON with a key twice, once apart from its colon",
    campaigns(*_MANY, _campaign(77)[:-1] + ',"cost" :99}'),
    says="twice",
)
json(
    "JSON with a key twice and another not at all",
    campaigns(*_MANY, _campaign(77).replace('"clicks":10', '"cost":99'), *_MANY),
    says="stands twice",
)
json(
    "JSON with a key twice beside the rows", '{"reportSpecification":{"reportType":"a","reportType":"b"}}', says="twice"
)
json("JSON with a key twice at the top", '{"errors":[],"errors":[]}', says="twice")
json("JSON with a key twice in a text only", campaigns(*_MANY, _campaign(77, '"\\"cost\\":1,\\"cost\\":2"')), READ)
json("JSON with NaN", campaigns(*_MANY, _campaign(77, cost="NaN"), *_MANY))
json("JSON with NaN in its only record", campaigns(_campaign(77, cost="NaN")))
json("JSON with Infinity", campaigns(_campaign(77, cost="-Infinity"), *_MANY))
json("JSON with 1e400", campaigns(*_MANY, _campaign(77, cost="1e400")))
json("JSON with 1e400 in its only record", campaigns(_campaign(77, cost="1e400")))
json("JSON with a million digits", campaigns(*_MANY, _campaign(77, cost="1" * 10**6)))
json("JSON with a million digits in its only record", campaigns(_campaign(77, cost="1" * 10**6)))
json("JSON with a million decimals", campaigns(_campaign(77, cost="1." + "1" * 10**6)), EITHER)
json("JSON with an exponent of a billion", campaigns(_campaign(77, cost='"1e999999999"')))
json("JSON with a list where a name should be", campaigns(*_MANY, _campaign(77, "[1,2]")), EITHER)
json("JSON with half a character", campaigns(_campaign(77, '"\\ud800"')), EITHER)
json("JSON with NUL in a name", campaigns(_campaign(77, '"a\\u0000b"')), EITHER)
json("JSON and something after it", campaigns(*_MANY) + "{}")
json("JSON with control characters", campaigns(*_MANY, _campaign(77, '"a\tb"')), EITHER)

GOOD_RECORDS = campaigns(*_MANY)
