"""What people say, in words that fit a terminal and cannot steer it."""

import json
from datetime import date

import numpy as np
import pandas as pd
import pytest

from pipelines.feedback import Listing, Record
from pipelines.reports.feedback import (
    given_text,
    listing_json,
    listing_text,
    record_json,
    record_text,
    said_lines,
)
from serving.verdict_words import said
from serving.verdicts import AGREE, DISPUTE, HIGH, LEAST_CLOSED, LOW, OVERRIDE, SNOOZE, overrides, sides

MADE = pd.Timestamp("2026-11-03T10:00:00")
LONG = "a word that goes on and on " * 20


def row(verdict: str, **columns) -> dict:
    said = {"verdict": verdict, "author": "Anna", "made_at": MADE, "as_of": MADE, "note": "", "name": "Deal"}
    said |= {"side": None, "probability": None, "until": None, "opportunity_id": "D1", "win_probability": 0.41}
    return {**said, **columns}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (row(OVERRIDE, probability=0.25, note="budget frozen"), "Anna, 3 Nov: too high, 25 % — budget frozen"),
        (row(OVERRIDE, probability=0.5), "Anna, 3 Nov: too low, 50 %"),
        (row(OVERRIDE, probability=0.41), "Anna, 3 Nov: agrees, 41 %"),
        (row(DISPUTE, side=LOW), "Anna, 3 Nov: too low"),
        (row(AGREE), "Anna, 3 Nov: agrees"),
        (row(SNOOZE, until=date(2026, 12, 1)), "Anna, 3 Nov: snoozed until 1 Dec 2026"),
    ],
)
def test_a_verdict_in_words(given, words):
    assert said(given).replace("\u00a0", " ") == words


def test_a_chance_that_has_moved_since_is_told():
    lines = "\n".join(said_lines([row(AGREE)], 0.52)).replace("\u00a0", " ")
    assert "agrees (of 41 % then)" in lines
    assert "then" not in "\n".join(said_lines([row(AGREE)], 0.41))
    assert said_lines([], 0.4) == []


@pytest.mark.parametrize("text", [LONG, "\x1b[2Jgone\x07"])
def test_what_people_typed_fits_and_cannot_steer_the_terminal(text):
    verdict = row(OVERRIDE, probability=0.25, note=text, author=text, name=text, opportunity_id=text)
    listed = listing_text(Listing(pd.DataFrame([verdict]), False))
    for shown in (given_text(verdict), "\n".join(said_lines([verdict], 0.5)), listed):
        assert max(map(len, shown.splitlines())) <= 80
        assert "\x1b" not in shown


def test_a_listing_for_machines_has_none_where_nothing_is_known():
    table = pd.DataFrame([row(AGREE), row(OVERRIDE, probability=0.25, until=None)])
    first, second = json.loads(listing_json(Listing(table, False)), parse_constant=pytest.fail)["feedback"]
    assert first["probability"] is None
    assert (second["probability"], second["made_at"]) == (0.25, "2026-11-03T10:00:00")


def record(n: int, own: float, won: bool, verdict: str = OVERRIDE) -> Record:
    rows = [
        {**row(verdict, opportunity_id=f"D{k}", probability=own, side=HIGH), "closed": True, "won": float(won)}
        for k in range(n)
    ]
    columns = [*row(AGREE), "closed", "won"]
    table = pd.DataFrame(rows, columns=columns).astype({"closed": bool, "probability": float})
    return Record(n, n, overrides(table), sides(table), ())


def test_the_record_says_who_was_nearer_or_that_it_is_too_early():
    few = record_text(record(3, 0.2, False))
    assert f"Too early: 3 of 3 deals have closed; {LEAST_CLOSED} are needed." in few
    assert "nearer" not in few, "no figure before it is told"
    enough = record(LEAST_CLOSED, 0.2, False)
    assert "People were nearer, beyond chance." in record_text(enough)
    assert "The model was nearer, beyond chance." in record_text(record(LEAST_CLOSED, 0.9, False))
    assert "Nobody was nearer beyond chance." in record_text(record(LEAST_CLOSED, 0.41, False))
    told = json.loads(record_json(enough), parse_constant=pytest.fail)
    assert told["overrides"]["brier"]["person"] == pytest.approx(0.04)
    assert told["sides"]["high"]["given"] == 0


def test_disputes_are_told_beside_what_the_models_chances_give():
    text = " ".join(record_text(record(LEAST_CLOSED, np.nan, False, DISPUTE)).replace("\u00a0", " ").split())
    assert f"{LEAST_CLOSED} of {LEAST_CLOSED} were lost (100 %); by the model's chances it would be 59 %" in text
    assert "Beyond it: +41 points" in text


def test_nothing_judged_is_said_and_is_json():
    nothing = record(0, 0.5, False)
    assert record_text(nothing).startswith("Nobody has judged a deal while it was open")
    assert json.loads(record_json(nothing), parse_constant=pytest.fail)["overrides"]["brier"] is None
