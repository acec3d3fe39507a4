"""Figures as the house writes them, and as locales do."""

import math
from datetime import date

import pytest

from crm.errors import WrongUse
from features.catalogue import catalogue
from serving.formats import HOUSE, formats_of
from serving.wording import quantity, sentence, span
from tests.histories import EVERYTHING

FEATURES = catalogue(EVERYTHING)


def plain(text: str) -> str:
    """Text with ordinary blanks in place of those at which no line is broken."""
    return text.replace("\u00a0", " ").replace("\u202f", " ")


@pytest.mark.parametrize(
    ("locale", "says"),
    [
        ("", ["1,234,567", "2.0", "62 %", "under 1 %", "12.5", "1.2 k", "EUR 48 k", "USD 1.2 M", "2026-11-15"]),
        ("de-DE", ["1.234.567", "2,0", "62 %", "under 1 %", "12,5", "1.200", "48.000 €", "1,2 Mio. $", "15.11.2026"]),
        ("de_CH", ["1’234’567", "2.0", "62%", "under 1%", "12.5", "1’200", "EUR 48’000", "1.2 Mio. $", "15.11.2026"]),
        ("fr", ["1 234 567", "2,0", "62 %", "under 1 %", "12,5", "1,2 k", "48 k €", "1,2 M $US", "15 nov. 2026"]),
        ("en-US", ["1,234,567", "2.0", "62%", "under 1%", "12.5", "1.2K", "€48K", "$1.2M", "Nov 15, 2026"]),
        ("hi-IN", ["12,34,567", "2.0", "62%", "under 1%", "12.5", "1.2 हज़ार", "€48 हज़ार", "$12.3 लाख", "15 नव॰ 2026"]),
    ],
)
def test_a_locales_way(locale, says):
    form = formats_of(locale)
    found = [
        form.count(1_234_567),
        form.decimal(2.04, 1),
        form.percent(0.6187),
        form.percent(0.001),
        form.number(12.5),
        form.money(1_234),
        form.money(48_200, "EUR"),
        form.money(1_234_567, "USD"),
        form.day(date(2026, 11, 15)),
    ]
    assert [plain(one) for one in found] == says


def test_what_is_not_known_is_a_dash_everywhere():
    for form in (HOUSE, formats_of("de")):
        assert (form.percent(math.nan), form.money(math.nan, "EUR")) == ("–", "–")


@pytest.mark.parametrize("locale", ["xx-YY", "deutsch", "e", "de-DE-", "/etc"])
def test_a_locale_that_is_none_is_refused(locale):
    with pytest.raises(WrongUse, match="locale"):
        formats_of(locale)


def test_sentences_take_the_locales_figures():
    form = formats_of("de-DE")
    says = sentence(FEATURES.feature("amount"), 48_200.0, {"currency": "EUR"}, form)
    assert "48.000 €" in plain(says)
    assert plain(quantity(1_234.0, FEATURES.feature("age_days"), "", form)) == "1.234 days"
    ratio = FEATURES.feature("silence_against_rhythm")
    assert plain(span(ratio, list(ratio.bins), 2, form)) == "1,0 to 2,0 times"


def test_a_blank_between_thousands_does_not_cut_a_span():
    age = FEATURES.feature("age_days")
    assert plain(span(age, [0.0, 1_500.0, 2_500.0], 1, formats_of("sv"))) == "1 500 to 2 500 days"
