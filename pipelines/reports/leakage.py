"""The leakage audit as text and as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from crm.leakage import FieldAudit, LeakageAudit, Shares, Verdict
from crm.predictive_power import Power
from crm.quality import ENOUGH_OF_EACH
from crm.suspicions import Finding, Sort
from features.families.account_segments import ACCOUNT_FIELDS
from pipelines.terminal import cut, or_dash, wrapped
from serving.wording import percent

_ASKED_FOR = frozenset(f"accounts.{name}" for name in ACCOUNT_FIELDS)
_DIGITS = 4


def audit_lines(audit: LeakageAudit, findings: Iterable[Finding]) -> list[str]:
    """A table of the fields, how to read it, warnings with what to do, leaks shut out, and what is left out."""
    found = list(findings)
    return [
        "Fields: is their value at a past date known, and do they give the outcome away?",
        f"  {'':24} {'':19} {'':>7} {'':>7}  {'AUC':>7} {'AUC':>6}",
        f"  {'field':24} {'verdict':19} {'filled':>7} {'differs':>7}  {'today':>7} {'then':>6}",
        *(_row(field) for field in audit.fields),
        "",
        *_legend(audit),
        *_warnings(found),
        *_shut_out(found),
        *_left_out(audit, found),
    ]


def audit_json(audit: LeakageAudit, findings: Iterable[Finding]) -> dict[str, Any]:
    """All figures of the audit, and its findings."""
    return {
        "closed_deals": audit.closed,
        "won_looked_at": audit.won,
        "lost_looked_at": audit.lost,
        "fields": {field.field: _rounded(_figures(field)) for field in audit.fields},
        "findings": [asdict(finding) for finding in findings],
    }


def _figures(field: FieldAudit) -> dict[str, Any]:
    """A field's figures; what was set side by side under the names of what it is."""
    return {
        **asdict(field),
        "outcome": _named(field.outcome, "filled_on_won", "filled_on_lost"),
        "closing": _named(field.closing, "filled_on_closed", "filled_on_open_of_same_age"),
    }


def _named(shares: Shares | None, one: str, other: str) -> dict[str, float] | None:
    return None if shares is None else {one: shares.one, other: shares.other, "error": shares.error}


def _row(field: FieldAudit) -> str:
    return (
        f"  {cut(field.field, 24):24} {field.verdict.value:19} {percent(field.filled):>7} "
        f"{or_dash(field.from_half_way, percent):>7}  {_auc(field.today):>7} {_auc(field.half_way):>6}"
    )


def _auc(power: Power | None) -> str:
    return "–" if power is None else f"{power.auc:.2f}"


def _legend(audit: LeakageAudit) -> list[str]:
    looked_at = f"{audit.won:,} won and {audit.lost:,} lost deals"
    if not audit.enough:
        return wrapped(
            f"Of {looked_at} at least {ENOUGH_OF_EACH} each are needed to say how well a field alone tells them "
            "apart (AUC). differs: the value today is not the one half-way through the time the deal was open.",
            "  ",
        )
    sample = f", drawn from {audit.closed:,} closed deals" if audit.won + audit.lost < audit.closed else ""
    return wrapped(
        "AUC: how well the field alone tells won from lost; 1.00 does so perfectly, 0.50 or less not at all. today: "
        "with the value as it stands now; then: as it stood half-way through the time the deal was open. differs: how "
        f"often these two are not the same. From {looked_at}{sample}.",
        "  ",
    )


def _warnings(findings: list[Finding]) -> list[str]:
    return _listed("Warnings", [_told(one, one.remedy) for one in findings if one.sort is Sort.WARNING])


def _shut_out(findings: list[Finding]) -> list[str]:
    title = "Leaks that are shut out: features use the value then, not today's"
    return _listed(title, [_told(one) for one in findings if one.sort is Sort.NOTE])


def _left_out(audit: LeakageAudit, findings: list[Finding]) -> list[str]:
    """What should not be declared, and what can be; a field of which no feature is made is not offered."""
    leaky = [one for one in findings if one.sort is Sort.LEFT_OUT]
    return [
        *_listed("Left out, and better not declared fixed", [_told(one) for one in leaky]),
        *_offer(audit, {one.field for one in findings if one.sort is not Sort.NOTE}),
    ]


def _offer(audit: LeakageAudit, suspected: set[str]) -> list[str]:
    """The lines of dealcast.toml by which the fields that are left out would get features."""
    good = [field for field in audit.fields if field.field not in suspected]
    of_own = [field for field in good if field.reads_as is not None]
    fixable = [field for field in good if field.verdict is Verdict.UNKNOWN and _has_features(field.field)]
    lines = []
    if fixable:
        names = [_quoted(field.field) for field in good if field.declared_fixed] + [_quoted(f.field) for f in fixable]
        lines += wrapped("What never changes once a deal is entered; take off this line what may change:", "  ")
        lines += ["    [data]", *wrapped(f"fixed = [{', '.join(names)}]", "    ")]
    if of_own:
        lines += wrapped("Columns of your own, so that they get features (a proposal):", "  ")
        lines += ["    [fields]", *(f"    {_key(field.field)} = {_quoted(str(field.reads_as))}" for field in of_own)]
    return ["", "Left out, and yours to declare in dealcast.toml", *lines] if lines else []


def _has_features(field: str) -> bool:
    return not field.startswith(("accounts.", "users.")) or field in _ASKED_FOR


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _quoted(name)


def _quoted(name: str) -> str:
    return json.dumps(name, ensure_ascii=False)


def _told(finding: Finding, remedy: str = "") -> str:
    return " ".join(filter(None, (f"{finding.field}: {finding.says}", remedy)))


def _listed(title: str, items: list[str]) -> list[str]:
    return ["", title, *(line for item in items for line in wrapped(item, "  • "))] if items else []


def _rounded(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _rounded(one) for key, one in value.items()}
    return round(value, _DIGITS) if isinstance(value, float) else value
