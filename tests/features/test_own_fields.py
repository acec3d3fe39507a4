"""A company's own columns by example: what each kind's features count, and how people read them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from crm.tables import OWN_KINDS, CrmTables
from features.catalogue import Catalogue, catalogue
from features.engines import Prepared, Snapshots, compute, prepare
from features.feature import OwnField, Vocabulary
from features.histories import Histories
from serving.wording import peers, sentence
from tests.histories import Row, change, crm, deal, millis

UNKNOWN = math.nan
RIVAL = OwnField("rival", "category", "main competitor", actionable=True, levels=("Acme", "Globex"))
FIELDS = {
    "rival": RIVAL,
    "score": OwnField("score", "number", "fit score"),
    "budget": OwnField("budget", "money", "budget"),
    "demo": OwnField("demo", "date", "the demo"),
    "ok": OwnField("ok", "flag", "security review"),
    "plan": OwnField("plan", "text", "the plan"),
}
KINDS = {name: OWN_KINDS[field.kind] for name, field in FIELDS.items()}


def declared(*fields: OwnField) -> Catalogue:
    return catalogue(Vocabulary(fields=fields or tuple(FIELDS.values())))


def prepared(tables: CrmTables, *fields: OwnField) -> Prepared:
    return prepare(Histories(tables), declared(*fields), Vocabulary().calendar)


def ask(tables: CrmTables, name: str, at: str, of: str = "d") -> float:
    """One feature of one deal at one instant."""
    ready = prepared(tables)
    assert ready.why_absent(ready.catalogue.feature(name)) is None
    row = ready.histories.deals["opportunity_id"].tolist().index(of)
    return float(compute(ready, Snapshots(np.array([row]), np.array([millis(at)])), (name,))[name].iloc[0])


def told(field: str, *steps: tuple[str, Any]) -> CrmTables:
    """A deal d of June 1st with the field's first value, and what it became when."""
    values = [value for _, value in steps]
    moves = [
        change("d", at, field, old, new) for (at, new), old in zip(steps[1:], values, strict=False) if at is not None
    ]
    return crm([deal("d", steps[0][0], **{field: values[-1]})], changes=moves, own=KINDS)


def others(field: str, values: Iterable[Any], **columns: Any) -> list[Row]:
    """Deals of May 1st, one with each value."""
    return [deal(f"e{i}", "2024-05-01", **{field: value}, **columns) for i, value in enumerate(values)]


# Categories -----------------------------------------------------------------------------------------------------

RIVALS = told("rival", ("2024-06-01", None), ("2024-06-03", "Acme"), ("2024-06-05", "Hooli"), ("2024-06-09", None))


@pytest.mark.parametrize(
    ("at", "acme", "globex", "another", "given", "changes", "days"),
    [
        ("2024-06-02", 0, 0, 0, 0, 0, UNKNOWN),
        ("2024-06-04", 1, 0, 0, 1, 0, UNKNOWN),  # given for the first time is no change
        ("2024-06-06", 0, 0, 1, 1, 1, 1),
        ("2024-06-10", 0, 0, 0, 0, 2, 1),
    ],
)
def test_a_category_is_one_of_the_common_levels_or_another_or_none(
    at: str, acme: float, globex: float, another: float, given: float, changes: float, days: float
) -> None:
    asked = ("is:Acme", "is:Globex", "another", "given", "changes", "days_since_change")
    found = [ask(RIVALS, f"field:rival:{what}", at) for what in asked]
    assert found == pytest.approx([acme, globex, another, given, changes, days], nan_ok=True)


def test_a_level_that_no_deal_has_is_nobodys() -> None:
    tables = crm([deal("d", "2024-06-01", rival=None)], own=KINDS, fixed=["rival"])
    assert "no deal has a value of rival" in set(prepared(tables).absent.values())
    tables = crm([deal("d", "2024-06-01"), deal("e", "2024-06-01", rival="Initech")], own=KINDS, fixed=["rival"])
    assert [ask(tables, f"field:rival:is:{level}", "2024-06-02") for level in ("Acme", "Globex")] == [0, 0]
    assert ask(tables, "field:rival:another", "2024-06-02", of="e") == 1


def test_how_common_a_level_is_is_counted_over_the_deals_entered_so_far() -> None:
    rows = [*others("rival", ["Acme", "Acme", "Globex", None]), deal("d", "2024-06-01", rival="Globex")]
    late = deal("late", "2024-06-20", rival="Globex")
    moves = [change("d", "2024-06-10", "rival", "Acme", "Globex")]
    tables = crm([*rows, late], changes=moves, own=KINDS)
    assert ask(tables, "field:rival:share", "2024-06-02") == pytest.approx(3 / 4)  # itself included, none left out
    assert ask(tables, "field:rival:share", "2024-06-11") == pytest.approx(2 / 4)
    assert ask(tables, "field:rival:share", "2024-06-21") == pytest.approx(3 / 5)
    assert math.isnan(ask(tables, "field:rival:share", "2024-06-11", of="e3"))


def test_the_win_rate_of_a_level_is_that_of_deals_closed_with_it_shrunk_to_the_companys() -> None:
    won = {"stage": "Closed Won", "closed_at": "2024-05-20", "is_won": True}
    lost = {"stage": "Closed Lost", "closed_at": "2024-05-20", "is_won": False}
    rows = [
        *(deal(f"w{i}", "2024-05-01", rival="Acme", **won) for i in range(3)),
        deal("l", "2024-05-01", rival="Globex", **lost),
        deal("d", "2024-06-01", rival="Acme"),
        deal("n", "2024-06-01"),
    ]
    tables = crm(rows, own=KINDS, fixed=["rival"])
    prior = (3 + 1) / (4 + 2)
    assert ask(tables, "field:rival:win_rate", "2024-06-02") == pytest.approx((3 + 20 * prior) / (3 + 20))
    assert math.isnan(ask(tables, "field:rival:win_rate", "2024-06-02", of="n"))


def test_a_category_without_common_levels_has_no_pool() -> None:
    names = {feature.name for feature in declared(replace(RIVAL, levels=())).features if "rival" in feature.name}
    assert names == {f"field:rival:{w}" for w in ("given", "changes", "days_since_change", "share", "win_rate")}


# Numbers and money ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["score", "budget"])
@pytest.mark.parametrize(
    ("at", "value", "moved", "changes", "days"),
    [
        ("2024-06-02", UNKNOWN, UNKNOWN, 0, UNKNOWN),
        ("2024-06-04", 100, 0, 0, UNKNOWN),
        ("2024-06-06", -20.5, -120.5, 1, 1),
        ("2024-06-08", UNKNOWN, UNKNOWN, 2, 1),
        ("2024-06-10", 150, 50, 2, 3),
    ],
)
def test_a_number_is_held_against_the_first_one_given(
    field: str, at: str, value: float, moved: float, changes: float, days: float
) -> None:
    steps = [("2024-06-01", None), ("2024-06-03", "100"), ("2024-06-05", "-20.5"), ("2024-06-07", None)]
    tables = told(field, *steps, ("2024-06-09", "150"))
    found = [ask(tables, f"field:{field}:{what}", at) for what in ("value", "change", "changes", "days_since_change")]
    assert found == pytest.approx([value, moved, changes, days], nan_ok=True)


# Days, flags, text ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "days_to", "put_off", "days"),
    [
        ("2024-06-02", 8, 0, UNKNOWN),
        ("2024-06-04", 26, 1, 1),
        ("2024-06-06", -1, 1, 1),
        ("2024-06-08", UNKNOWN, 1, 1),
    ],
)
def test_a_day_comes_closer_and_is_put_off(at: str, days_to: float, put_off: float, days: float) -> None:
    steps = [("2024-06-01", "2024-06-10"), ("2024-06-03", "2024-06-30"), ("2024-06-05", "2024-06-05")]
    tables = told("demo", *steps, ("2024-06-07", None))
    found = [ask(tables, f"field:demo:{what}", at) for what in ("days_to", "put_off", "days_since_change")]
    assert found == pytest.approx([days_to, put_off, days], nan_ok=True)


@pytest.mark.parametrize(
    ("at", "value", "days"),
    [
        ("2024-06-02", UNKNOWN, UNKNOWN),
        ("2024-06-04", 0, UNKNOWN),
        ("2024-06-06", 1, 1),
        ("2024-06-08", 0, 3),
        ("2024-06-10", 1, 1),
    ],
)
def test_a_flag_is_yes_or_no_and_was_set_at_a_time(at: str, value: float, days: float) -> None:
    steps = [("2024-06-01", None), ("2024-06-03", "false"), ("2024-06-05", "true"), ("2024-06-07", "false")]
    tables = told("ok", *steps, ("2024-06-09", "true"))
    found = [ask(tables, f"field:ok:{what}", at) for what in ("value", "days_since_set")]
    assert found == pytest.approx([value, days], nan_ok=True)


@pytest.mark.parametrize(
    ("at", "given", "length", "days", "changes"),
    [
        ("2024-06-02", 0, 0, UNKNOWN, 0),
        ("2024-06-04", 1, 5, 1, 0),
        ("2024-06-06", 1, 9, 1, 1),
        ("2024-06-08", 0, 0, 3, 2),
    ],
)
def test_a_text_has_a_length_and_an_age(at: str, given: float, length: float, days: float, changes: float) -> None:
    steps = [("2024-06-01", None), ("2024-06-03", "größe"), ("2024-06-05", "two words"), ("2024-06-07", None)]
    tables = told("plan", *steps)
    found = [ask(tables, f"field:plan:{what}", at) for what in ("given", "length", "days_since_written", "changes")]
    assert found == pytest.approx([given, length, days, changes], nan_ok=True)


# Known or not ---------------------------------------------------------------------------------------------------


def reasons(tables: CrmTables) -> dict[str, set[str | None]]:
    """Why each column's features are left out; None where they are not."""
    ready = prepared(tables)
    of_field = {name: [f for f in ready.catalogue.features if f.group == f"field_{name}"] for name in FIELDS}
    return {name: {ready.why_absent(feature) for feature in features} for name, features in of_field.items()}


VALUES = {"rival": "Acme", "score": "1", "budget": "1", "demo": "2024-06-01", "ok": "true", "plan": "x"}


def test_a_column_that_is_neither_tracked_nor_fixed_is_left_out_and_it_is_said_why() -> None:
    untracked = crm([deal("d", "2024-06-01", **VALUES)], own=KINDS)
    assert reasons(untracked) == {
        name: {f"{name} has no recorded history and is not declared fixed"} for name in FIELDS
    }
    fixed = crm([deal("d", "2024-06-01", **VALUES)], own=KINDS, fixed=FIELDS)
    assert reasons(fixed) == {name: {None} for name in FIELDS}
    moves = [change("d", "2024-06-02", name, None, value) for name, value in VALUES.items()]
    tracked = crm([deal("d", "2024-06-01", **VALUES)], own=KINDS, changes=moves)
    assert reasons(tracked) == {name: {None} for name in FIELDS}


def test_a_column_that_is_declared_as_something_else_since_is_left_out() -> None:
    tables = crm([deal("d", "2024-06-01", **VALUES)], own={**KINDS, "score": OWN_KINDS["text"]}, fixed=FIELDS)
    assert reasons(tables)["score"] == {"score is not declared as a number under [fields] any more"}
    money = crm([deal("d", "2024-06-01", **VALUES)], own={**KINDS, "score": OWN_KINDS["money"]}, fixed=FIELDS)
    assert reasons(money)["score"] == {None}


def test_columns_have_their_features_in_the_order_in_which_they_are_declared() -> None:
    kinds = {
        "rival": ("is:Acme", "is:Globex", "another", "given", "changes", "days_since_change", "share", "win_rate"),
        "score": ("value", "change", "changes", "days_since_change"),
        "budget": ("value", "change", "changes", "days_since_change"),
        "demo": ("days_to", "put_off", "days_since_change"),
        "ok": ("value", "days_since_set"),
        "plan": ("given", "length", "days_since_written", "changes"),
    }
    names = [feature.name for feature in declared().features if feature.name.startswith("field:")]
    assert names == [f"field:{field}:{what}" for field in FIELDS for what in kinds[field]]


def test_one_column_makes_one_reason() -> None:
    groups = {feature.group for feature in declared().features if feature.name.startswith("field:")}
    assert groups == {f"field_{name}" for name in FIELDS}


def test_a_rep_can_act_on_what_is_declared_so_and_not_on_its_past() -> None:
    acts = {f.name for f in declared().features if f.name.startswith("field:") and f.actionable}
    assert acts == {f"field:rival:{what}" for what in ("is:Acme", "is:Globex", "another", "given")}


# In words -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("feature", "value", "says"),
    [
        ("rival:is:Acme", 1, "Main competitor is Acme."),
        ("rival:is:Acme", 0, "Main competitor is not Acme."),
        ("rival:another", 1, "Main competitor is one of the rarer ones."),
        ("rival:given", 0, "Main competitor is not given."),
        ("rival:changes", 2, "Main competitor was changed twice."),
        ("rival:days_since_change", 0.5, "Main competitor was changed today."),
        ("rival:share", 0.25, "25 % of the deals so far have the same main competitor."),
        ("rival:win_rate", 0.4, "Of the deals with the same main competitor, 40 % were won lately."),
        ("rival:win_rate", UNKNOWN, "Main competitor is not given."),
        ("score:value", 12.5, "Fit score: 12.5."),
        ("score:value", -1250, "Fit score: −1,250."),
        ("score:change", -3, "Fit score: 3 below the first one given."),
        ("budget:value", 48_000, "Budget: EUR 48 k."),
        ("budget:change", 0, "Budget: what was first given."),
        ("demo:days_to", 12, "The demo is 12 days away."),
        ("demo:days_to", -2, "The demo passed 2 days ago."),
        ("demo:put_off", 3, "The demo was put off 3 times."),
        ("demo:days_since_change", UNKNOWN, "The demo was never moved."),
        ("ok:value", 1, "Security review: yes."),
        ("ok:value", 0, "Security review: no."),
        ("ok:days_since_set", 5, "Security review was last set to yes 5 days ago."),
        ("plan:length", 120, "The plan holds 120 characters."),
        ("plan:length", 0, "The plan is empty."),
        ("plan:changes", 1, "The plan was rewritten once."),
    ],
)
def test_a_sentence_says_the_fact_by_the_label(feature: str, value: float, says: str) -> None:
    found = sentence(declared().feature(f"field:{feature}"), value, {"currency": "EUR"})
    assert found.replace("\u00a0", " ") == says


@pytest.mark.parametrize(
    ("feature", "bounds", "which", "says"),
    [
        ("rival:is:Acme", [0, 1], 0, "deals whose main competitor is not Acme"),
        ("rival:is:Acme", [0, 1], 1, "deals whose main competitor is Acme"),
        ("score:value", [1, 12.5], 1, "deals with fit score of 12.5 or more"),
        ("score:change", [-1e30, 0, 1e-9], 2, "deals whose fit score rose since first given"),
        ("demo:put_off", [0, 1, 2, 4], 2, "deals whose the demo was put off 2 to 3 times"),
        ("ok:value", [0, 1], 1, "deals with security review: yes"),
        ("plan:length", [0, 1, 20], 0, "deals whose the plan holds no characters"),
    ],
)
def test_like_deals_are_named_by_the_label(feature: str, bounds: list[float], which: int, says: str) -> None:
    assert peers(declared().feature(f"field:{feature}"), bounds, which, {}).replace("\u00a0", " ") == says


@pytest.mark.parametrize("text", ["{", "a {b} c", "}{0}{value}"])
def test_labels_and_levels_may_be_any_text(text: str) -> None:
    found = declared(OwnField("x", "category", text, levels=(text,))).feature(f"field:x:is:{text}")
    begun = text[:1].upper() + text[1:]
    assert sentence(found, 1.0, {}) == f"{begun} is {text}."
    assert peers(found, [0, 1], 1, {}) == f"deals whose {text} is {text}"


@pytest.mark.parametrize("name", ["owner", "account", "company", "deal"])
def test_a_column_may_be_called_as_anything_else_is(name: str) -> None:
    """A company's own "owner" is not the owner of the contract."""
    field = OwnField(name, "category", "partner in charge", levels=("North",))
    deals = [
        deal(f"d{k}", "2024-01-01", **{name: "North" if k < 4 else "South", "owner_id": f"u{k}", "account_id": f"a{k}"})
        for k in range(8)
    ]
    won = [row | {"stage": "Closed Won", "closed_at": "2024-02-01", "is_won": True} for row in deals[1:4]]
    lost = [row | {"stage": "Closed Lost", "closed_at": "2024-02-01", "is_won": False} for row in deals[4:]]
    closings = [change(row["opportunity_id"], "2024-02-01", "stage", "Prospect", row["stage"]) for row in won + lost]
    tables = crm([deals[0], *won, *lost], changes=closings, own={name: OWN_KINDS["category"]}, fixed=[name])
    ready = prepared(tables, field)
    row = ready.histories.deals["opportunity_id"].tolist().index("d0")
    asked = tuple(f"field:{name}:{what}" for what in ("is:North", "share", "win_rate"))
    found = compute(ready, Snapshots(np.array([row]), np.array([millis("2024-03-01")])), asked).iloc[0]
    company = (3 + 1) / (7 + 2)
    assert found.tolist() == pytest.approx([1, 4 / 8, (3 + 20 * company) / (3 + 20)])
