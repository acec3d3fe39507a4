"""A drafted configuration as TOML: what is in force, and beside each line the evidence for it."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from crm.draft.mapping import TableDraft
from crm.quality import ENOUGH_OF_EACH
from features.vocabulary import LEAST_SHARE_OF_DEALS
from pipelines.init import Draft, Told
from pipelines.reports.draft import zone_evidence
from pipelines.terminal import folded

WIDTH = 100
MOST_KINDS = 20
OF_ACCOUNTS = ("industry", "country", "employees", "annual_revenue")  # that can be declared fixed as well


def draft_toml(found: Draft, *, stems: bool = False) -> str:
    """The file's text.

    :param stems: whether files are named without their ending, as a database's tables are.
    """
    parts = [_head(found), _data(found)]
    parts += [_table(draft, stems) for draft in found.look.drafts]
    if found.told:
        parts += [_stages(found.told), _time(found.told), _fields(found.told), _activities(found.told)]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def _head(found: Draft) -> list[str]:
    look = found.look
    lines = [
        *_comment(
            f"Drafted by dealcast init from {found.data}. What is not commented out is in force; beside it stands the "
            "evidence. Correct what is wrong, then see what it leads to: dealcast check."
        ),
        *_comment(f"Shape: {look.shape}. Read: {', '.join(look.files)}."),
    ]
    if look.unread:
        lines += _comment(f"Not read, for no table is seen in them: {', '.join(look.unread)}.")
    if look.refusal:
        told = f"{look.refusal.where}: {look.refusal.found}. What to do: {look.refusal.remedy}."
        lines += _comment(f"The tables cannot be read yet, so the rest is not drafted. {told}")
    if found.told:
        ready = found.told.readiness
        lines += _comment(f"{ready.deals:,} deals: {ready.won:,} won, {ready.lost:,} lost, {ready.open:,} open.")
        lines += [line for message in (*_aside(found), *ready.messages) for line in _comment(f"Mind: {message}.")]
    return lines


def _aside(found: Draft) -> Iterator[str]:
    """What was set aside of each file."""
    reports = found.look.reading.report.files if found.look.reading else ()
    for file in reports:
        rules = ", ".join(f"{rows:,} {rule}" for rule, rows in file.set_aside.items())
        if rules:
            yield f"of {file.rows_in:,} rows of {file.file} are set aside: {rules}"


def _data(found: Draft) -> list[str]:
    locale, told = found.look.locale, found.told
    lines = ["[data]"]
    said = zone_evidence(found)
    if locale.needs_zone:
        lines += [*_comment(said), 'time_zone = "UTC"']
    elif told and told.hours.zone and told.hours.offset:
        lines += [*_comment(said), f"# time_zone = {_text(told.hours.zone)}"]
    else:
        lines += [*_comment(said), '# time_zone = "UTC"']
    if locale.why_decimal:
        lines += [*_comment(f"Numbers: {locale.why_decimal}."), *_declared("decimal", locale.decimal, (",", "."))]
    if locale.why_date:
        examples = ("%d/%m/%Y", "%m/%d/%Y")
        lines += [*_comment(f"Days: {locale.why_date}."), *_declared("date_format", locale.date_format, examples)]
    if told:
        lines += _fixed(told)
        lines += _currencies(told)
    return lines


def _declared(key: str, value: str | None, choices: Iterable[str]) -> list[str]:
    """A declaration, or the choices among which only people can decide."""
    if value is not None:
        return [f"{key} = {_text(value)}"]
    return [
        "# Only you can tell. Take the # from one of these:",
        *(f"# {key} = {_text(choice)}" for choice in choices),
    ]


def _fixed(told: Told) -> list[str]:
    if not told.fixed:
        return _comment("Every field of a deal that has a value has recorded changes: none must be declared fixed.")
    lines = _comment(
        "Fields that never change once a deal is entered. A field without recorded changes is left out of the features "
        "unless it is named here; one that is filled in or changed later and named here is a leak."
    )
    for one in told.fixed:
        lines += _comment(f"{one.field}: {one.why}.", "  ")
    proposed = [one.field for one in told.fixed if one.proposed]
    left = [one.field for one in told.fixed if not one.proposed and "on the way" not in one.why]
    lines += [f"fixed = {_list(proposed)}" if proposed else "# fixed = []"]
    accounts = told.tables["accounts"]
    left += [f"accounts.{column}" for column in OF_ACCOUNTS if accounts[column].notna().any()]
    if left:
        lines += _comment(f"Add if it is so with you: {', '.join(left)}.")
    return lines


def _currencies(told: Told) -> list[str]:
    counts = told.tables["opportunities"]["currency"].value_counts()
    if len(counts) < 2:
        return []
    listed = ", ".join(f"{currency} ({count:,})" for currency, count in counts.head(6).items())
    return _comment(f"Deals are in {len(counts)} currencies: {listed}. Amounts must be in one, the company's.")


def _table(draft: TableDraft, stems: bool) -> list[str]:
    file = Path(draft.profile.file).name
    lines = [f"[tables.{draft.table}]"]
    if draft.why.get(""):
        lines += _comment(draft.why[""])
    lines += [f"file = {_text(draft.profile.stem if stems else file)}", "", f"[tables.{draft.table}.columns]"]
    for column, header in draft.columns.items():
        own = column not in draft.renamed
        said = f"{'under its own name; ' if own else ''}{draft.why[column]}"
        lines += [*_comment(f"{column}: {said}"), *([] if own else [f"{_key(column)} = {_text(header)}"])]
    for column, meant in draft.values.items():
        lines += ["", f"[tables.{draft.table}.values.{_key(column)}]", "# value found = value meant"]
        lines += [f"{_key(value)} = {_text(other)}" for value, other in meant.items()]
    return lines


def _stages(told: Told) -> list[str]:
    stages = told.tables["stages"].sort_values("position")
    counts = told.tables["opportunities"]["stage"].value_counts()
    how = "inferred from the deals and their moves: confirm them" if told.stages_inferred else "as the table has them"
    lines = _comment(f"Stages, {how}. Position, stage, what it means, deals that stand there now:")
    for stage in stages.itertuples(index=False):
        meaning = ("won" if stage.is_won else "lost") if stage.is_closed else "open"
        standing = counts.get(stage.stage, 0)
        lines.append(f"#   {stage.position:>3.0f}  {folded(str(stage.stage)):32} {meaning:5} {standing:>9,}")
    if told.stages_inferred:
        lines += _comment("Where that is wrong, put a file stages.csv beside the others:")
        lines += ["#   stage,position,is_closed,is_won"]
        for stage in stages.itertuples(index=False):
            flags = f"{str(bool(stage.is_closed)).lower()},{str(bool(stage.is_won)).lower()}"
            called = folded(str(stage.stage)).replace('"', '""')
            called = f'"{called}"' if '"' in called or "," in called else called
            lines.append(f"#   {called},{stage.position:.0f},{flags}")
    return [*lines, "# A stage that was renamed: old name = today's.", "# [data.stage_aliases]", '# "Old" = "New"']


def _time(told: Told) -> list[str]:
    time, fiscal, ready = told.time, told.fiscal, told.readiness
    lines = ["[time]"]
    closed = ready.won + ready.lost
    every = "day" if time.grid_days == 1 else f"{time.grid_days} days"
    lines += _comment(
        f"A deal takes {time.cycle_days:.0f} days at the median ({closed:,} closed deals), so a snapshot every "
        f"{every}: {told.snapshots:,} of them."
        if closed >= ENOUGH_OF_EACH
        else f"{closed:,} closed deals are too few to tell how long one takes: these follow from the data."
    )
    mark = "" if closed >= ENOUGH_OF_EACH else "# "
    lines += [f"{mark}{key} = {getattr(time, key)}" for key in ("grid_days", "horizon_days", "stall_days")]
    lines += _comment(
        f"Periods: {fiscal.why_period}" + ("." if fiscal.period else "; proposed from how long deals take.")
    )
    lines += [f"{'' if fiscal.period else mark}period = {_text(time.calendar.period)}"]
    if fiscal.why_year:
        lines += _comment(f"The fiscal year: {fiscal.why_year}.")
    if fiscal.year_starts_in and fiscal.year_starts_in != 1:
        lines += [f"year_starts_in = {fiscal.year_starts_in}"]
    else:
        lines += ["# year_starts_in = 1"]
    if fiscal.week_starts_on:
        lines += [f"week_starts_on = {_text(fiscal.week_starts_on)}"]
        if fiscal.period != "week":
            lines += ["# The weeks of a quarter's months, which you know:", '# weeks = "4-4-5"']
    return lines


def _fields(told: Told) -> list[str]:
    if not told.own:
        return []
    lines = ["[fields]", *_comment("Columns of your own: what each is called, and what it looks like.")]
    for one in told.own:
        entry = f"{_key(one.column)} = {_text(one.kind)}"
        if one.protected:
            why = f"looks like a protected attribute ({one.protected!r}): nothing is learned of it."
            lines += _comment(f"{one.column} {why}")
        elif one.known:
            lines += [*_comment(f"{one.why}; its changes are recorded."), entry]
        else:
            lines += [*_comment(f"{one.why}; left out unless [data] fixed names it."), f"# {entry}"]
    return lines


def _activities(told: Told) -> list[str]:
    activities = told.tables["activities"]
    if not len(activities):
        return []
    on_deals = activities.groupby("kind", observed=True)["opportunity_id"].nunique().sort_values(ascending=False)
    share = on_deals / len(told.tables["opportunities"])
    common, rare = share[share >= LEAST_SHARE_OF_DEALS], share[share < LEAST_SHARE_OF_DEALS]
    lines = ["[activities]"]
    listed = ", ".join(f"{kind} ({part:.0%})" for kind, part in common.head(MOST_KINDS).items())
    lines += _comment(f"Kinds on enough deals to have features by themselves: {listed or 'none'}.")
    if len(rare):
        lines += _comment("Rarer ones, which have features of their own only if they are named:")
        lines += [f"# kinds = {_list(rare.head(MOST_KINDS).index)}"]
    return lines


# --- text --------------------------------------------------------------------------------------------------------


def _comment(text: str, indent: str = "") -> list[str]:
    return list(_wrapped(folded(text).strip(), indent))


def _wrapped(text: str, indent: str) -> Iterator[str]:
    yield from textwrap.wrap(
        text,
        WIDTH,
        initial_indent=f"# {indent}",
        subsequent_indent=f"# {indent}",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _text(value: object) -> str:
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _text(name)


def _list(values: Iterable[object] | Mapping[object, object]) -> str:
    return f"[{', '.join(_text(value) for value in values)}]"
