"""What free text speaks of: named signals, each given away by a few words.

Text repeats itself, so each function looks at the different texts (levels) only; codes say which one a row has.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from crm.coding import arrow_text


@dataclass(frozen=True)
class Signal:
    """Something worth knowing that a note or a subject line may speak of.

    :param name: a short name, part of the names of its features.
    :param spoken: how people read it: "The next step speaks of {spoken}".
    :param words: words and phrases that give it away, in any case; `*` at the end stands for the rest of a word.
    """

    name: str
    spoken: str
    words: tuple[str, ...]

    @property
    def pattern(self) -> str:
        """Its words as a regular expression for lower-case text; words are of letters and digits of any script."""
        words = [word.lower() for word in self.words]
        begun = [re.escape(word[:-1]) for word in words if word.endswith("*")]
        whole = [re.escape(word) for word in words if not word.endswith("*")]
        either = [*begun, rf"(?:{'|'.join(whole)})(?:$|[^\pL\pN])"] if whole else begun
        return rf"(?:^|[^\pL\pN])(?:{'|'.join(either)})"


SIGNALS = (
    Signal(
        "price",
        "price, a discount or a quote",
        ("price*", "pricing", "discount*", "quote", "quotes", "quotation*", "budget*", "cost", "costs"),
    ),
    Signal(
        "contract",
        "a contract, legal matters or purchasing",
        ("contract*", "legal", "terms", "redline*", "procurement", "purchasing", "security review", "msa", "nda"),
    ),
    Signal(
        "decision",
        "a decision, an approval or a signature",
        ("decision*", "decide*", "approv*", "sign", "signed", "signing", "signature*", "board"),
    ),
    Signal(
        "waiting",
        "waiting or putting off",
        ("wait", "waiting", "on hold", "no response", "no reply", "no answer", "postpone*", "delay*", "later",
         "next quarter", "next year", "voicemail", "left a message"),
    ),
    Signal("meeting", "a meeting or a demo", ("meeting*", "meet", "demo", "demos", "presentation*", "workshop*")),
    Signal(
        "competitor",
        "a competitor or a tender",
        ("competitor*", "competition", "competing", "alternative*", "incumbent*", "other vendor*", "rfp", "tender*"),
    ),
)  # fmt: skip
"""What notes are searched for where a company has not named its own words."""


def speaks_of(levels: pd.Index, signal: Signal) -> np.ndarray:
    """Whether each text speaks of the signal; shape (levels,), bool."""
    found = pc.match_substring_regex(pc.utf8_lower(arrow_text(levels)), signal.pattern)
    return found.to_numpy(zero_copy_only=False)


def word_counts(levels: pd.Index) -> np.ndarray:
    """How many words each text has; shape (levels,), int64."""
    return pc.count_substring_regex(arrow_text(levels), r"\S+").to_numpy().astype(np.int64)


def of_code(of_levels: np.ndarray, code: np.ndarray) -> np.ndarray:
    """What holds of each code's text; False (or 0) of none (code -1). Shape (n,)."""
    return np.append(of_levels, np.zeros(1, dtype=of_levels.dtype))[code]
