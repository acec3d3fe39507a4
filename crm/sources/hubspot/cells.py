"""HubSpot's cells as SQL: properties, which tools call one way or another, and what its times mean."""

from __future__ import annotations

from dataclasses import dataclass

from crm.sources.conversion import ISO_DAY, ISO_TIME
from crm.sources.mapping import SourceMapping
from crm.sources.quoting import literal, name
from crm.sources.reading import RawTable
from crm.sources.rules import DELETED
from crm.sources.salesforce_cells import NOTHING, Cells, Early

PREFIX = "property_"  # Fivetran's, before each of HubSpot's property names
OURS = "dealcast_"  # what we write back into HubSpot; it tells nothing of a deal
TASK_KEY = f"{OURS}key"  # of tasks that we made
FORECAST_LABELS = (
    ("PIPELINE", "Pipeline"),
    ("BEST_CASE", "Best Case"),
    ("COMMIT", "Commit"),
    ("CLOSED", "Closed"),
    ("OMIT", "Omitted"),
)
DELETED_FLAGS = ("is_deleted", "_fivetran_deleted", "archived")


@dataclass(frozen=True)
class HubSpotCells:
    """A file's cells by HubSpot's property names, with or without Fivetran's prefix."""

    raw: RawTable
    mapping: SourceMapping

    @property
    def plain(self) -> Cells:
        """The cells by their headers."""
        return Cells(self.raw)

    @property
    def rows(self) -> str:
        """The relation that holds them."""
        return name(self.raw.relation)

    def headers(self, *properties: str) -> tuple[str, ...]:
        """The headers that hold one of the properties, the first asked for first."""
        asked = [header for one in properties for header in (one, f"{PREFIX}{one}")]
        return tuple(header for header in asked if header in self.raw.header)

    def header(self, *properties: str) -> str:
        """The first of those headers; the first property's name where there is none."""
        return next(iter(self.headers(*properties)), properties[0])

    def text(self, *properties: str) -> str:
        """The first of the properties that has something in it."""
        return self.plain.text(*self.headers(*properties))

    def raw_text(self, *properties: str) -> str:
        """The first of the properties byte for byte."""
        return self.plain.raw_text(self.header(*properties))

    def utc(self, *properties: str) -> str:
        """A time as ISO text with its zone: HubSpot's times are UTC, and may be milliseconds since 1970."""
        return utc(self.text(*properties))

    def time(self, *properties: str) -> str:
        """The instant that a cell tells; NULL where it tells none."""
        return instant(self.utc(*properties))

    def day(self, *properties: str) -> str:
        """The day on which a time falls where the company is; text that is no time stands as it is."""
        return local_day(self.utc(*properties), self.mapping)

    def deleted(self) -> list[Early]:
        """A row that HubSpot holds as deleted, by whichever flag says so."""
        return [Early(DELETED, flag, self.plain.flag(flag)) for flag in DELETED_FLAGS if flag in self.raw.header]

    def early(self, *reasons: Early) -> str:
        """SQL for `_early`, `_early_column` and `_early_value`: the first reason that sets a row aside."""
        told = {
            "_early": [(e.when, literal(e.rule.name)) for e in reasons],
            "_early_column": [(e.when, literal(e.header)) for e in reasons],
            "_early_value": [(e.when, self.plain.text(e.header)) for e in reasons],
        }
        return ", ".join(
            f"CASE {' '.join(f'WHEN {when} THEN {what}' for when, what in whens)} ELSE {NOTHING} END AS {column}"
            if whens
            else f"{NOTHING} AS {column}"
            for column, whens in told.items()
        )


def utc(text: str) -> str:
    """SQL: a time without a zone is UTC, whole milliseconds are since 1970; any other text stands as it is."""
    millis = f"make_timestamp(TRY_CAST({text} AS BIGINT) * 1000)"
    return (
        f"CASE WHEN regexp_full_match({text}, '\\d{{12,14}}') THEN strftime({millis}, '%Y-%m-%dT%H:%M:%S.%fZ') "
        f"WHEN regexp_full_match({text}, {literal(ISO_DAY + ISO_TIME)}) THEN {text} || 'Z' ELSE {text} END"
    )


def instant(text: str) -> str:
    """SQL: the instant that ISO text with its zone tells; NULL where it tells none."""
    return f"TRY_CAST({text} AS TIMESTAMPTZ)"


def local_day(text: str, mapping: SourceMapping) -> str:
    """SQL: the day of a time (ISO text with its zone) where the company is, else the text."""
    zone = literal(mapping.time_zone or "UTC")
    there = f"strftime(timezone({zone}, {instant(text)}), '%Y-%m-%d')"
    return f"CASE WHEN length({text}) > 10 THEN coalesce({there}, {text}) ELSE {text} END"


def percent(share: str) -> str:
    """SQL: a share from 0 to 1 as per cent; text that is no number stands as it is."""
    return f"coalesce(CAST(round(TRY_CAST({share} AS DOUBLE) * 100, 6) AS VARCHAR), {share})"


__all__ = ["NOTHING", "OURS", "TASK_KEY", "Early", "HubSpotCells", "local_day", "percent", "utc"]
