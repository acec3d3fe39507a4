"""What to make of the leakage audit: warnings with what to do, and which leaks are shut out.

A finding is about one field. Of a field that features may use it is a warning, or says which leak the reconstruction
of past values shuts out; of a field that is left out it says what speaks against declaring it fixed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from crm.leakage import FieldAudit, LeakageAudit, Shares, Tracking, Verdict

NOBREAK = "\u00a0"
SUSPICIOUS_AUC = 0.9
"""What no single field that was known before the outcome tells of it: a whole model of a real pipeline reaches 0.73
(docs/benchmarks.md). H2O's Driverless AI looks for leaks in the same way, with a simple model of each feature."""

LEAK = 0.05  # today's value is ahead of the one then by so much AUC, and by three standard errors
APART = 0.2  # difference between two shares filled that is worth a word, beyond three standard errors
LATE_SHARE = 0.05  # of the closed deals were created before the first recorded change
LATE_CHANGES = 10  # and so many changes are missing: where 10 are expected, chance leaves none in 1 of 20,000 cases


class Sort(StrEnum):
    """What a finding calls for: to act, to know, or to leave the field undeclared."""

    WARNING = "warning"
    NOTE = "note"
    LEFT_OUT = "left out"


@dataclass(frozen=True)
class Finding:
    """One thing found of one field; `remedy` is empty where nothing needs to be done."""

    field: str
    code: str
    sort: Sort
    says: str
    remedy: str = ""


def findings(audit: LeakageAudit) -> tuple[Finding, ...]:
    """What the audit found, field by field in its order."""
    return tuple(finding for field in audit.fields for finding in _of_field(field, audit.won + audit.lost))


def _of_field(field: FieldAudit, deals: int) -> Iterator[Finding]:
    tracked = field.verdict is Verdict.TRACKED
    sort = Sort.LEFT_OUT if field.verdict is Verdict.UNKNOWN else Sort.WARNING
    for code, says in _of_tracked(field, deals) if tracked else _of_fixed(field, deals):
        yield Finding(field.field, code, sort, says, _remedy(code, field) if sort is Sort.WARNING else "")
    if tracked and _leaks_today(field):
        yield Finding(field.field, "leak_shut_out", Sort.NOTE, _shut_out(field))


def _of_fixed(field: FieldAudit, deals: int) -> Iterator[tuple[str, str]]:
    """What speaks against taking today's value for the value then."""
    yet = _TAKEN[field.verdict]
    if field.today is not None and field.today.auc >= SUSPICIOUS_AUC:
        auc = f"AUC {field.today.auc:.2f} on {deals:,} closed deals"
        yield "tells_outcome", f"{yet} it alone tells won from lost ({auc})."
    if field.tracking is not None:
        yield "changes_though_fixed", f"{yet} {_recorded(field.tracking)}."
    if _apart(field.outcome):
        won, lost = _percents(field.outcome)
        yield "filled_by_outcome", f"{yet} it is filled in on {won} of won and {lost} of lost deals."
    if _apart(field.closing):
        closed, still_open = _percents(field.closing)
        beside = f"{closed} of closed deals and {still_open} of open ones created at the same time"
        yield "filled_by_closing", f"{yet} it is filled in on {beside}."


def _of_tracked(field: FieldAudit, deals: int) -> Iterator[tuple[str, str]]:
    """What speaks against the history that is recorded."""
    record = field.tracking
    if record is not None and field.declared_fixed:
        yield "changes_though_fixed", f"{_TAKEN[Verdict.DECLARED]} {_recorded(record)}."
    if field.half_way is not None and field.half_way.auc >= SUSPICIOUS_AUC:
        auc = f"AUC {field.half_way.auc:.2f} on {deals:,} closed deals"
        yield (
            "told_outcome_then",
            f"what it is said to have been half-way through being open tells won from lost by itself ({auc}). "
            "Are changes at the closing not recorded?",
        )
    if record is not None and record.missed >= LATE_CHANGES and record.before >= LATE_SHARE:
        yield (
            "tracked_late",
            f"its first recorded change is of {record.since}; {_percent(record.before)} of the closed deals were "
            f"created before, {_percent(record.closed_before)} closed before. At the rate since, about "
            f"{record.missed:,.0f} changes of these are missing, and a later value passes for the value then.",
        )


def _leaks_today(field: FieldAudit) -> bool:
    today, then = field.today, field.half_way
    if today is None or then is None or then.auc >= SUSPICIOUS_AUC:
        return False
    return today.auc - max(then.auc, 0.5) >= max(LEAK, 3 * float(today.error**2 + then.error**2) ** 0.5)


def _shut_out(field: FieldAudit) -> str:
    assert field.today is not None
    assert field.half_way is not None
    return (
        f"today's value tells won from lost with AUC {field.today.auc:.2f}, the one half-way with "
        f"{field.half_way.auc:.2f}; they differ on {_percent(field.from_half_way or 0.0)} of closed deals."
    )


_TAKEN: Mapping[Verdict, str] = {
    Verdict.NATURE: "taken as fixed at the creation, yet",
    Verdict.DECLARED: "declared fixed, yet",
    Verdict.UNKNOWN: "today",
}
_REMEDIES: Mapping[str, str] = {
    "told_outcome_then": "Compare some deals with the CRM's own record, and export the field's whole history.",
    "tracked_late": "Export the older history if the CRM still has it, else only deals created since.",
}


def _remedy(code: str, field: FieldAudit) -> str:
    if code in _REMEDIES:
        return _REMEDIES[code]
    if field.verdict is Verdict.TRACKED:
        return "The recorded history counts; take the field off `fixed` in dealcast.toml."
    if field.verdict is Verdict.NATURE:
        return "Ask whether it is entered only at the closing; if so, leave the column out of the export."
    return "If it is filled in or changed at the closing, take it off `fixed` in dealcast.toml."


def _recorded(record: Tracking) -> str:
    changes = "1 change is" if record.changes == 1 else f"{record.changes:,} changes are"
    return f"{changes} recorded, on {record.deals:,} deal{'' if record.deals == 1 else 's'}"


def _apart(shares: Shares | None) -> bool:
    return shares is not None and abs(shares.one - shares.other) >= max(APART, 3 * shares.error)


def _percents(shares: Shares | None) -> tuple[str, str]:
    assert shares is not None
    return _percent(shares.one), _percent(shares.other)


def _percent(share: float) -> str:
    rounded = round(share * 100)
    return f"under{NOBREAK}1{NOBREAK}%" if share > 0 and not rounded else f"{rounded}{NOBREAK}%"
