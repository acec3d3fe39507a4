"""The figures of a deal's answer, each with what it means and how it is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from serving.deal_words import confidence, likely_close, or_unknown, planned_close
from serving.formats import NOBREAK, Formats
from serving.wording import points


@dataclass(frozen=True)
class Figure:
    """One figure: what it is, its value, what else is to be said of it, and how one knows."""

    name: str
    value: str
    more: str
    how: str


def figures(row: Mapping[str, Any], model: Mapping[str, Any], forms: Formats) -> tuple[Figure, ...]:
    """The answer, figure by figure.

    :param row: the deal's score and how it stood (:meth:`serving.store.Store.latest_score`), `reasons` read back.
    :param model: the row of the model that has answered; empty where rates have.
    """
    facts: Mapping[str, Any] = model.get("facts", {})
    percent, exact = forms.percent, forms.exact_money
    day = f"As of {forms.day(row['as_of'].date())}, {_by(row, model)}."
    missing = row["reasons"].get("missing", [])
    return (
        Figure("Win chance", percent(row["win_probability"]), _grade(row), f"{_win(facts, forms)} {day}"),
        Figure(
            "Won this period",
            percent(row["win_probability_this_period"]),
            f"expected revenue {or_unknown(row['expected_revenue_this_period'], exact)}",
            f"The chance that it is won before the period ends, and that times what it is worth. {day}",
        ),
        Figure(
            "Stall risk", or_unknown(row["stall_risk"], percent), _stake(row, forms), f"{_stall(facts, forms)} {day}"
        ),
        Figure(
            "Likely close",
            likely_close(row, forms),
            "",
            "Half of the wins come by this day, if it is won, and 8 of 10 within the span; from the same curve as the "
            f"months below. {day}",
        ),
        Figure(
            "Planned close",
            planned_close(row, forms),
            "",
            f"The close date in the CRM, and the curve's chance that the deal is still open when that day ends. {day}",
        ),
        Figure(
            "Worth",
            or_unknown(row["expected_amount"], exact),
            f"{or_unknown(row['amount'], exact)} in the CRM",
            "The amount in the CRM times the share of it for which deals of this stage are won, on average. " + day,
        ),
        Figure(
            "Data confidence",
            confidence(row["data_confidence"], missing, forms),
            "",
            f"The share of the usual facts that are filled in here; a fact is usual where at least half of the open "
            f"deals have it. {day}",
        ),
    )


def _by(row: Mapping[str, Any], model: Mapping[str, Any]) -> str:
    if not model:
        return "by the rates of closed deals"
    return f"by model {row['model_version']}, trained {model['trained_at']:%Y-%m-%d}"


def _grade(row: Mapping[str, Any]) -> str:
    change = row["win_probability_change"]
    said = f"grade {row['grade']}, score {row['score']}"
    return said if change is None else f"{said}; {points(change)} since the run before"


def _win(facts: Mapping[str, Any], forms: Formats) -> str:
    """What the win chance is, and how promises of the model were kept on deals that it had not seen."""
    scores = facts.get("scores", {}).get("win")
    if not facts:
        return "The share of closed deals that stood in its stage and were won, drawn towards that of all deals."
    learned = facts.get("data", {})
    said = "The chance that it is won in the end."
    if learned:
        said += (
            f" Learned from {forms.count(learned['won'] + learned['lost'])} closed deals "
            f"({forms.count(learned['won'])} won)."
        )
    if scores:
        mean = next(line["mean"] for line in scores["lines"] if line["name"] == "model")
        said += (
            f" On {forms.count(scores['deals'])} later deals it promised {forms.percent(mean)} on average, and "
            f"{forms.percent(scores['kept'])} came true."
        )
    return said


def _stall(facts: Mapping[str, Any], forms: Formats) -> str:
    period = facts.get("parameters", {}).get("stall_days")
    span = "the stall period" if period is None else f"the next {forms.count(int(period))}{NOBREAK}days"
    return (
        f"The chance that it stays open over {span} without moving to a later stage. At stake: what it is worth, times "
        "this risk, times what a stall has cost deals like it in win rate; by this the list is sorted. "
    )


def _stake(row: Mapping[str, Any], forms: Formats) -> str:
    place, stake = f"place {forms.count(row['priority'])} by what is at stake", row["revenue_at_stake"]
    return place if stake is None else f"{forms.exact_money(stake)} at stake, {place}"
