"""What Salesforce answers, as tables of text: a Bulk job's CSV, and a query's JSON."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from crm.salesforce.objects import OWN_PREFIX, SalesforceObject
from crm.sources.remote import Page

DEAL_PREFIX = "006"
_INSTANT = re.compile(r"\A(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3})\+0000\Z")


def of_csv(text: str, columns: Sequence[str]) -> pa.Table:
    """A page of a Bulk job's results; an empty cell is no value.

    Each page begins with the header, in Salesforce's own order; where one does not, columns are as they were asked for.
    """
    rows = csv.reader(io.StringIO(text, newline=""))
    first = next(rows, None)
    names, found = list(columns), list(rows)
    if first is not None:
        if set(first) == set(columns):
            names = first
        else:
            found.insert(0, first)
    cells = list(zip(*found, strict=True)) if found else [()] * len(names)
    by_name = dict(zip(names, cells, strict=True))
    return pa.table({name: pa.array((cell or None for cell in by_name[name]), pa.string()) for name in columns})


def of_json(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> pa.Table:
    """Rows of a query's answer, written as a Bulk job writes them."""
    return pa.table({name: pa.array([_text(row.get(name)) for row in rows], pa.string()) for name in columns})


def page_of(rows: pa.Table, obj: SalesforceObject) -> Page:
    """A page of what is there: deleted rows, and rows that say nothing of a deal, are named as gone."""
    away = pa.array([False] * rows.num_rows, pa.bool_())
    if "IsDeleted" in rows.column_names:
        away = pc.or_(away, pc.fill_null(pc.equal(rows["IsDeleted"], "true"), False))
        rows = rows.drop_columns("IsDeleted")
    if obj.about_deals:
        about = pc.fill_null(pc.starts_with(rows["WhatId"], DEAL_PREFIX), False)
        away = pc.or_(away, pc.invert(about))
    if obj.name == "OpportunityFieldHistory":  # what we wrote into our own fields is no event
        away = pc.or_(away, pc.fill_null(pc.starts_with(rows["Field"], OWN_PREFIX), False))
    return Page(rows.filter(pc.invert(away)), rows["Id"].filter(away).to_pylist())


def _text(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or value == "":
        return None
    return _INSTANT.sub(r"\1Z", str(value))
