"""What notes speak of: whole words in any case and script, or beginnings of words."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from features.text import SIGNALS, Signal, of_code, speaks_of, word_counts

ODD = Signal("odd", "oddities", ("c++", "a.b*", "Übergabe", "on hold"))


def says(text: str, signal: Signal) -> bool:
    return bool(speaks_of(pd.Index([text], dtype="str"), signal)[0])


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("Send the QUOTE", {"price"}),
        ("quoted us", set()),
        ("Re: discounting, please", {"price"}),
        ("They sign on Friday", {"decision"}),
        ("significant signals, resigned", set()),
        ("signed the NDA!", {"decision", "contract"}),
        ("no  response", set()),
        ("no response (again)", {"waiting"}),
        ("demonstrate", set()),
        ("democracy", set()),
        ("Demo; then workshops", {"meeting"}),
        ("against the competitors", {"competitor"}),
        ("", set()),
    ],
)
def test_a_note_speaks_of_what_its_words_give_away(text: str, spoken: set[str]) -> None:
    assert {signal.name for signal in SIGNALS if says(text, signal)} == spoken


@pytest.mark.parametrize("text", ["C++ people", "ask for c++", "a.bcd", "die ÜBERGABE", "übergabe", "put On Hold"])
def test_a_companys_words_may_be_any(text: str) -> None:
    assert says(text, ODD)


@pytest.mark.parametrize("text", ["cpp", "axb", "Übergaben", "vorübergabe", "on holding"])
def test_and_mean_themselves_only(text: str) -> None:
    assert not says(text, ODD)


def test_beginnings_alone_and_whole_words_alone_are_found() -> None:
    assert says("delayed", Signal("a", "a", ("delay*",)))
    assert not says("delayed", Signal("a", "a", ("delay",)))


def test_what_holds_of_a_level_holds_of_its_codes_and_of_none_nothing() -> None:
    code = np.array([1, -1, 0, 1])
    assert of_code(np.array([False, True]), code).tolist() == [True, False, False, True]
    assert of_code(word_counts(pd.Index(["a b  c", ""], dtype="str")), code).tolist() == [0, 0, 3, 0]
    assert of_code(np.zeros(0, dtype=bool), np.array([-1])).tolist() == [False]
