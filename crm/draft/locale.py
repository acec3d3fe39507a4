"""How times and numbers are written: what must be declared so that none is read wrongly."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from crm.draft.profile import MOST, ColumnProfile
from crm.sources.conversion import EXCEL
from crm.tables import Kind

TIMES, NUMBERS = (Kind.INSTANT, Kind.DATE), (Kind.MONEY, Kind.NUMBER)


@dataclass(frozen=True)
class LocaleDraft:
    """What to declare; None = nothing needs to be.

    :param date_format: as it is declared. :param why_date: the evidence, also where it tells nothing.
    :param undecided: keys that must be declared and that the data do not tell.
    :param needs_zone: whether there are times without a zone.
    """

    date_format: str | None = None
    why_date: str = ""
    decimal: str | None = None
    why_decimal: str = ""
    undecided: tuple[str, ...] = ()
    needs_zone: bool = False


def draft_locale(columns: Sequence[tuple[Kind, ColumnProfile]]) -> LocaleDraft:
    """The locale of columns that are read as the given kinds."""
    date_format, why_date = _date_format([profile for kind, profile in columns if kind in TIMES])
    decimal, why_decimal = _decimal([profile for kind, profile in columns if kind in NUMBERS])
    undecided = [
        key
        for key, value, why in (("date_format", date_format, why_date), ("decimal", decimal, why_decimal))
        if why and value is None
    ]
    bare = any(kind is Kind.INSTANT and profile.zoned < profile.filled for kind, profile in columns)
    return LocaleDraft(date_format, why_date, decimal, why_decimal, tuple(undecided), bare)


def _date_format(times: Sequence[ColumnProfile]) -> tuple[str | None, str]:
    serial = [p for p in times if p.serial >= MOST * max(p.filled, 1)]
    if serial:
        return EXCEL, f"{serial[0].header}: {serial[0].serial:,} spreadsheet days such as {serial[0].examples[0]}"
    written = [p for p in times if p.either]
    if not written:
        return None, ""
    day, month = sum(p.day_first for p in written), sum(p.month_first for p in written)
    total = sum(p.either for p in written)
    example = written[0].examples[0]
    if day and not month:
        return _pattern(example, "%d", "%m"), f"{day:,} of {total:,} days can only be read day first, none month first"
    if month and not day:
        return _pattern(
            example, "%m", "%d"
        ), f"{month:,} of {total:,} days can only be read month first, none day first"
    if day and month:
        return None, f"{day:,} days can only be read day first and {month:,} only month first: the columns differ"
    return None, f"all {total:,} days such as {example} can be read day first or month first"


def _pattern(example: str, first: str, second: str) -> str:
    marks = re.findall(r"[/.-]", example)[:2]
    year = "%Y" if re.search(r"[/.-]\d{4}", example) else "%y"
    return f"{first}{marks[0]}{second}{marks[1]}{year}"


def _decimal(numbers: Sequence[ColumnProfile]) -> tuple[str | None, str]:
    with_comma = [p for p in numbers if p.commas]
    if not with_comma:
        return None, ""
    first = with_comma[0]
    sure = sum(p.commas_sure for p in with_comma)
    if sure:
        return ",", f"{sure:,} numbers such as {first.examples[0]} have a comma that cannot stand between thousands"
    return None, f"{first.commas:,} numbers such as {first.examples[0]}: the comma can be a decimal or a thousands mark"
