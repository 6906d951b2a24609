"""What can be wrong with a document, said so that a seller knows what to do."""

from __future__ import annotations

from django.utils.translation import gettext as _

from opsboard.ui import joins


class BadDocument(Exception):
    """A document that cannot be read. `str()` is one sentence: where, what, what to do.

    `line` is 1-based as an editor counts; `column` is the header name.
    """

    def __init__(self, what: str, *, file: str = "", line: int | None = None, column: str = "", todo: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.file = file
        self.line = line
        self.column = column
        self.todo = todo

    def __str__(self) -> str:
        where = [self.file] if self.file else []
        if self.line is not None:
            where.append(_("line %(line)d") % {"line": self.line})
        if self.column:
            where.append(_("column “%(column)s”") % {"column": self.column})
        sentence = _("%(sentence)s.") % {
            "sentence": joins.headed(joins.listed(where), self.what) if where else self.what
        }
        return joins.sentences(sentence, self.todo)


class BadRow(BadDocument):
    """Who only sees a batch of rows finds one wrong: `row` is its place there; whoever reads them tells its line."""

    def __init__(self, what: str, *, row: int, column: str = "", todo: str = "") -> None:
        super().__init__(what, column=column, todo=todo)
        self.row = row


class UnknownKind(BadDocument):
    """Not a report opsboard knows, or one it knows and cannot read yet."""


class WrongCharset(BadDocument):
    """The bytes are not text in any encoding Amazon uses for this marketplace."""


class Truncated(BadDocument):
    """The file ends before its content does."""


class Empty(BadDocument):
    """There is nothing in it."""


class MissingColumn(BadDocument):
    """A column without which the rows mean nothing is not there."""


class WrongMarketplace(BadDocument):
    """It is about another marketplace than the one it was given for."""


class UnknownCurrency(BadDocument):
    """An amount's currency is not one opsboard knows."""


class TooBig(BadDocument):
    """It is larger, or unpacks to more, than any report of Amazon's."""


class Held(BadDocument):
    """It can be read, and what it says is not to be believed without a person's look."""


class Ambiguous(BadDocument):
    """It can be read in more than one way; `choices` are what to choose from."""

    def __init__(self, question: str, choices: tuple[str, ...], **where: object) -> None:
        super().__init__(question, **where)  # type: ignore[arg-type]
        self.question = question
        self.choices = choices
        #: What is known of the file all the same: its kind, and its header (opsboard.feeds.memory).
        self.spec = ""
        self.fingerprint = ""

    @property
    def needs(self) -> str:
        """Which answer it waits for: day, point, date_order or kind."""
        if not self.choices:
            return "day"
        if "." in self.choices:
            return "point"
        return "date_order" if "dmy" in self.choices else "kind"
