"""What HubSpot answers to a batch that was written, and which stages of deals are closed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from crm.hubspot.account import Account
from serving.sinks.sink import Fate, Outcome

STAGE = "dealstage"


def outcomes_of(ids: Collection[str], written: Collection[str], answer: Mapping[str, Any]) -> list[Outcome]:
    """What became of each of a batch's records; of one that is not mentioned it is not known."""
    failed = dict(_refused(answer))
    return [
        Outcome(key, Fate.FAILED, failed[key])
        if key in failed
        else Outcome(key, Fate.WRITTEN if key in written else Fate.UNCLEAR)
        for key in ids
    ]


def closed_stages(account: Account) -> frozenset[str]:
    """The ids of the stages in which a deal is closed, of all pipelines."""
    return frozenset(
        str(stage["id"])
        for pipeline in account.pipelines()
        for stage in pipeline["stages"]
        if str((stage.get("metadata") or {}).get("isClosed", "")).lower() == "true"
    )


def _refused(answer: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Records that HubSpot did not take, each with its words."""
    for error in answer.get("errors") or []:
        context = error.get("context") or {}
        said = " ".join(str(error.get("message", "")).split())[:500]
        for key in (*context.get("ids", []), *context.get("objectWriteTraceId", [])):
            yield str(key), said
