"""Text for a terminal: 80 columns, whatever people have typed into their CRM."""

import math

import pytest

from crm.periods import FiscalCalendar
from features.settings import TimeSettings
from pipelines.terminal import WIDTH, cut, notes, or_dash, settings_lines, wrapped
from serving.wording import percent

ODD = "one\r\n\ttwo   three\x1b[31mred\x07\x9b2J four\u00a0%"


def test_a_line_is_cut_with_an_ellipsis():
    assert cut("Eastgate College", 16) == "Eastgate College"
    assert cut("Eastgate College", 15) == "Eastgate Colle…"
    assert cut("Eastgate College", 10) == "Eastgate…"
    assert cut("a deal", 8, "    ") == "    a d…"


@pytest.mark.parametrize("shown", [cut(ODD, 60), "\n".join(wrapped(ODD, ""))])
def test_blanks_are_folded_and_what_a_terminal_would_obey_is_gone(shown):
    assert shown == "one two three [31mred 2J four\u00a0%"


def test_the_settings_of_time_name_the_periods():
    said = " ".join(settings_lines(TimeSettings()))
    assert "period quarter (set" in said
    retail = TimeSettings(calendar=FiscalCalendar("month", 2, "4-5-4", "sunday"))
    assert "period month by 4-5-4 weeks (set" in " ".join(settings_lines(retail))


def test_a_paragraph_is_wrapped_behind_its_mark():
    lines = wrapped("word " * 40, "  • ")
    assert max(map(len, lines)) <= WIDTH
    assert lines[0].startswith("  • word")
    assert all(line.startswith("    word") for line in lines[1:])


def test_a_number_and_its_unit_stay_on_one_line():
    text = "x" * (WIDTH - 3) + " 62\u00a0%"
    assert wrapped(text, "") == ["x" * (WIDTH - 3), "62\u00a0%"]


def test_a_word_longer_than_a_line_is_broken():
    assert [len(line) for line in wrapped("x" * 200, "")] == [80, 80, 40]


def test_nothing_is_an_empty_line():
    assert wrapped("", "  • ") == ["  • "]
    assert notes([]) == ""


def test_what_is_not_known_is_a_dash():
    assert or_dash(math.nan, percent) == or_dash(None, percent) == "–"
    assert or_dash(0.5, percent) == percent(0.5)
