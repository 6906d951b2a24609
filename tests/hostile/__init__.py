"""Files made to hurt: each small to make, and what must become of it.

`every()` is all of them by name. Nothing here is a real report; the good ones are a few rows of a
listings file. `tests.hostile.trial` tries one in a process of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

MB = 1 << 20
#: How it must end. EITHER: both a refusal and a right reading are fine, as long as it is cheap.
REFUSED, READ, EITHER = "refused", "read", "either"
HEADER = "item-name\tseller-sku\tasin1\tprice\tquantity\tstatus\n"
ROW = "Mug\tMUG-{n}\tB0{n:08d}\t9.99\t5\tActive\n"
GOOD = HEADER + "".join(ROW.format(n=n) for n in range(50))


@dataclass(frozen=True, slots=True)
class Hostile:
    """One file: how it is made, how it must end, and what it would be taken for if Amazon had sent it."""

    make: Callable[[Path], object]
    ends: str
    #: Words the sentence must have, so that it is refused for its own reason.
    says: str = ""
    spec: str = "listings"
    suffix: str = ".csv"


FILES: dict[str, Hostile] = {}
Make = Callable[[Path], object]


def every() -> dict[str, Hostile]:
    for family in ("packed", "workbooks", "texts", "records"):
        import_module(f"tests.hostile.{family}")
    return FILES


def hostile(
    name: str, ends: str = REFUSED, says: str = "", *, spec: str = "listings", suffix: str = ".csv"
) -> Callable[[Make], Make]:
    def keep(make: Make) -> Make:
        assert name not in FILES, name
        FILES[name] = Hostile(make, ends, says, spec, suffix)
        return make

    return keep


def blocks(name: str, make: Callable[[], Iterable[bytes]], ends: str = REFUSED, says: str = "", **how: str) -> None:
    """A file written block by block, so that making it costs no more memory than reading it may."""

    def write(path: Path) -> None:
        with path.open("wb") as out:
            out.writelines(make())

    hostile(name, ends, says, **how)(write)


def plain(
    name: str, content: bytes | str | Callable[[], bytes | str], ends: str = REFUSED, says: str = "", **how: str
) -> None:
    def make() -> Iterable[bytes]:
        made = content() if callable(content) else content
        yield made.encode() if isinstance(made, str) else made

    blocks(name, make, ends, says, **how)


def warm(path: Path) -> None:
    """A good file of the same kind beside it, for a process to have read one before."""
    from .records import GOOD_RECORDS
    from .workbooks import workbook

    good = {".json": GOOD_RECORDS.encode(), ".xlsx": workbook()}.get(path.suffix, GOOD.encode())
    path.with_name("warm" + path.suffix).write_bytes(good)
