"""A stored score as a record shows it: figures as they are, reasons and coaching as plain sentences."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from serving.sinks.sink import Values
from serving.wording import points
from serving.writeback.fields import settled_all

MOST_STALL_REASONS = 3


def values_of(score: Mapping[str, Any], withheld: Collection[str] = ()) -> Values:
    """What a deal's record is to hold in our fields.

    :param score: a row of SCORES.
    :param withheld: deals that are shown no coaching.
    """
    coaching = [] if score["opportunity_id"] in withheld else json.loads(score["coaching"])
    texts = {
        "reasons": _both_sides(json.loads(score["reasons"])),
        "stall_reasons": "\n".join(
            map(_sentence, json.loads(score["stall_reasons"]).get("for", ())[:MOST_STALL_REASONS])
        ),
        "coaching": "\n".join(step["says"] for step in coaching),
    }
    return settled_all({**score, **texts})


def _both_sides(why: Mapping[str, Any]) -> str:
    sides = (("For", why.get("for", ())), ("Against", why.get("against", ())))
    return "\n".join(f"{side}: {_sentence(reason)}" for side, reasons in sides for reason in reasons)


def _sentence(reason: Mapping[str, Any]) -> str:
    return " ".join(filter(None, (f"{reason['says']} ({points(reason['points'])})", reason["evidence"])))
