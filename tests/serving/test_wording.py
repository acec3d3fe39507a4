"""How people read numbers: a table of examples."""

import math

import pytest

from features.catalogue import catalogue
from features.feature import Vocabulary
from serving.wording import money, number, peers, percent, points, quantity, sentence, span
from tests.histories import EVERYTHING

FEATURES = catalogue(EVERYTHING)
FACTS = {"stage": "Proposal", "owner": "Ada", "currency": "EUR", "forecast_category": "Commit", "type": "Renewal"}
UNKNOWN = math.nan


def plain(text: str) -> str:
    """Text with ordinary blanks in place of those at which no line is broken."""
    return text.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("share", "says"),
    [
        (0.0, "0 %"),
        (0.001, "under 1 %"),
        (0.005, "under 1 %"),
        (0.006, "1 %"),
        (0.6187, "62 %"),
        (0.996, "100 %"),
        (1.0, "100 %"),
        (UNKNOWN, "–"),
    ],
)
def test_percent(share, says):
    assert plain(percent(share)) == says


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (0.041, "+4 points"),
        (-0.09, "−9 points"),
        (0.01, "+1 point"),
        (-0.012, "−1 point"),
        (0.004, "±0 points"),
        (-0.004, "±0 points"),
        (0.0, "±0 points"),
        (1.0, "+100 points"),
    ],
)
def test_points(change, says):
    assert plain(points(change)) == says


@pytest.mark.parametrize(
    ("amount", "says"),
    [
        (0, "0"),
        (950, "950"),
        (999.4, "999"),
        (999.6, "1.0 k"),
        (1_000, "1.0 k"),
        (9_949, "9.9 k"),
        (9_951, "10 k"),
        (48_200, "48 k"),
        (999_499, "999 k"),
        (999_500, "1.0 M"),
        (1_234_567, "1.2 M"),
        (999_949_000, "999.9 M"),
        (999_950_000, "1.0 bn"),
        (2.5e9, "2.5 bn"),
        (UNKNOWN, "–"),
    ],
)
def test_money_is_short(amount, says):
    assert plain(money(amount)) == says


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (0.0, "0"),
        (7.0, "7"),
        (12.5, "12.5"),
        (12.345, "12.35"),
        (0.1, "0.1"),
        (0.0042, "0.0042"),
        (250.7, "251"),
        (1_250_000.0, "1,250,000"),
        (-3.0, "-3"),
    ],
)
def test_a_number_of_no_unit_is_written_as_people_do(value, says):
    assert number(value) == says


def test_money_names_its_currency():
    assert plain(money(48_200, "EUR")) == "EUR 48 k"
    assert money(UNKNOWN, "EUR") == "–"


@pytest.mark.parametrize(
    ("feature", "value", "says"),
    [
        ("age_days", 0.4, "less than a day"),
        ("age_days", 1.9, "1 day"),
        ("age_days", 24.7, "24 days"),
        ("age_days", 1234, "1,234 days"),
        ("pushes", 1, "once"),
        ("pushes", 2, "twice"),
        ("pushes", 3, "3 times"),
        ("meetings", 1, "1 meeting"),
        ("meetings", 0, "0 meetings"),
        ("contacts_reached", 2, "2 people"),
        ("inbound_share", 0.414, "41 %"),
        ("silence_against_rhythm", 2.04, "2.0 times"),
        ("amount", 48_200, "48 k"),
        ("stage_position", 3, "3"),
        ("has_next_step", 1, "yes"),
        ("has_next_step", 0, "no"),
        ("amount", UNKNOWN, "not known"),
    ],
)
def test_a_quantity_has_its_unit(feature, value, says):
    assert plain(quantity(value, FEATURES.feature(feature))) == says


@pytest.mark.parametrize(
    ("feature", "bounds", "which", "says"),
    [
        # how often
        ("pushes", [0, 1, 2, 3, 5], 0, "never"),
        ("pushes", [0, 1, 2, 3, 5], 1, "once"),
        ("pushes", [0, 1, 2, 3, 5], 2, "twice"),
        ("pushes", [0, 1, 2, 3, 5], 3, "3 to 4 times"),
        ("pushes", [0, 1, 2, 3, 5], 4, "5 times or more"),
        ("count:Webinar", [0, 1, 3], 1, "1 to 2 times"),
        ("count:Webinar", [0, 2], 0, "0 to 1 times"),
        # how many
        ("contacts_reached", [0, 1, 2, 4], 0, "no people"),
        ("contacts_reached", [0, 1, 2, 4], 1, "1 person"),
        ("contacts_reached", [0, 1, 2, 4], 2, "2 to 3 people"),
        ("contacts_reached", [0, 1, 2, 4], 3, "4 people or more"),
        ("owner_open_deals", [2.5, 7.5], 0, "3 to 7 deals"),
        # how long
        ("days_since_inbound", [0, 3, 7], 0, "less than 3 days"),
        ("days_since_inbound", [0, 3, 7], 1, "3 to 7 days"),
        ("days_since_inbound", [0, 3, 7], 2, "7 days or more"),
        ("age_days", [1, 12.2, 12.9, 30], 1, "about 12 days"),
        ("age_days", [0, 0.5, 3], 1, "less than a day to 3 days"),
        # shares, ratios, money
        ("inbound_share", [0, 0.1, 0.2], 1, "10 to 20 %"),
        ("inbound_share", [0, 0.312, 0.314, 0.5], 1, "about 31 %"),
        ("silence_against_rhythm", [0, 0.5, 1], 1, "0.5 to 1.0 times"),
        ("amount", [0, 1_200, 1_500_000], 0, "less than 1.2 k"),
        ("amount", [0, 1_200, 1_500_000], 1, "1.2 k to 1.5 M"),
        ("amount", [0, 12_000, 48_000], 2, "48 k or more"),
        # spans with names of their own
        ("days_to_close_date", [-9999, -30, -7, 0, 7, 30, 60, 90], 0, "more than 30 days past"),
        ("days_to_close_date", [-9999, -30, -7, 0, 7, 30, 60, 90], 7, "90 days or more away"),
        ("amount_change_ratio", [-99, -0.2, -0.02, 0.02, 0.2], 2, "stayed the same"),
        ("forecast_category_rank", [0, 1, 2, 3, 4], 4, "commit"),
    ],
)
def test_a_span_of_values_in_words(feature, bounds, which, says):
    assert plain(span(FEATURES.feature(feature), bounds, which)) == says


def test_peers_are_the_deals_of_a_span():
    assert plain(peers(FEATURES.feature("pushes"), [0, 1, 2, 3, 5], 3, FACTS)) == "deals put off 3 to 4 times"
    assert peers(FEATURES.feature("stage_position"), [1, 2], 0, FACTS) == "deals that stood in Proposal"


@pytest.mark.parametrize(
    ("feature", "value", "says"),
    [
        ("days_since_inbound", 24.3, "No reply from the buyer for 24 days."),
        ("days_since_inbound", 0.3, "The buyer replied today."),
        ("days_since_inbound", UNKNOWN, "The buyer has not been heard from yet."),
        ("pushes", 3, "The close date was put off 3 times."),
        ("pushes", 0, "The close date was never put off."),
        ("close_date_slip", 12, "The close date stands 12 days later than first planned."),
        ("close_date_slip", -12, "The close date stands 12 days earlier than first planned."),
        ("inbound_trend", -2, "2 replies fewer from the buyer in the last two weeks than in the two before."),
        ("amount", 48_200, "Worth EUR 48 k."),
        ("stage_position", 3, "Stands in Proposal."),
        ("forecast_category_rank", 4, "The owner's forecast category is Commit."),
        ("type_win_rate", 0.26, "Type: Renewal, of which 26 % were won lately."),
        ("inbound_share", 0.004, "None of the messages came from the buyer."),
        ("count:Webinar", 2, "'Webinar' was logged twice."),
    ],
)
def test_a_sentence_says_the_fact(feature, value, says):
    assert plain(sentence(FEATURES.feature(feature), value, FACTS)) == says


def test_a_fact_that_nobody_knows_is_called_unknown():
    assert plain(sentence(FEATURES.feature("type_win_rate"), 0.3, {})).startswith("Type: an unknown type")


def test_what_people_typed_is_not_read_as_a_template():
    odd = {**FACTS, "stage": "{owner} {value} {0} {"}
    assert sentence(FEATURES.feature("stage_position"), 1.0, odd) == "Stands in {owner} {value} {0} {."


@pytest.mark.parametrize("kind", ["Call {EMEA}", "{", "}{0}{value}"])
def test_a_kind_of_activity_may_have_any_name(kind):
    count, since = (catalogue(Vocabulary(kinds=(kind,))).feature(f"{what}:{kind}") for what in ("count", "days_since"))
    assert sentence(count, 1.0, FACTS) == f"'{kind}' was logged once."
    assert sentence(count, 0.0, FACTS) == f"'{kind}' was not logged so far."
    assert sentence(since, UNKNOWN, FACTS) == f"'{kind}' was not logged so far."
    assert peers(count, [0, 1], 1, FACTS) == f"deals with '{kind}' logged once or more"
