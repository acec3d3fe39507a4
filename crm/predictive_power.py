"""How well one value alone tells won deals from lost ones.

Each deal is given the win rate that deals of the other folds had with a value like its own: the same text, the same
number where many have it, else the same one of up to twenty equally filled spans; a missing value is a value of its
own. So patterns that rise and fall, and values that are filled in only where a deal was won, are found like any other.
Texts that hardly two deals share (ids, notes) are told apart by their length alone.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

FOLDS = 5
PRIOR_DEALS = 20  # a rate is shrunk to the company's as if by so many deals
RARE = 10  # a value on fewer deals has no rate of its own
COMMON_NUMBER = 0.01  # a number on this share of deals (0, say) is a level of its own
MOST_SPANS, LEAST_IN_SPAN = 20, 20
READABLE = 0.95  # text is numbers or dates where this share of its different values can be read so
TRIED = 1000  # on about so many it is tried first

_SIGNS = r"[\s€$£¥%_\u00a0]"
_THOUSANDS = r"(?<=\d)[,'’](?=\d{3}(?:\D|$))"
_DOTTED = r"(?<=\d)\.(?=\d{3}(?:\D|$))"
_DATE_FORMATS = ("ISO8601", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y")


@dataclass(frozen=True)
class Power:
    """Area under the ROC curve, in [0, 1]: 0.5 tells nothing, 1 everything; `error` is its standard error."""

    auc: float
    error: float


def checksums(ids: pd.Series) -> np.ndarray:
    """CRC-32 of each id: what folds and samples are drawn by, the same on every run. Shape (n,), int64."""
    return np.array([zlib.crc32(str(one).encode()) for one in ids.tolist()], dtype=np.int64)


def power(value: np.ndarray, won: np.ndarray, fold: np.ndarray, texts: pd.Index | None = None) -> Power:
    """How well the value alone tells won from lost, out of fold; both outcomes must occur.

    A won and a lost deal are compared within a fold, where both are given rates from the same other deals; so a
    value that tells nothing gets 0.5 whatever the number of its levels.

    :param value: numbers (NaN = none) or, where `texts` are given, codes of them (-1 = none); shape (n,).
    :param won: bool, shape (n,). :param fold: 0 to FOLDS - 1, shape (n,).
    """
    code = _number_levels(value) if texts is None else _text_levels(value, texts)
    size = int(code.max()) + 1
    cell = (fold * size + code) * 2 + won
    count = np.bincount(cell, minlength=FOLDS * size * 2).reshape(FOLDS, size, 2).astype(float)
    won_pairs = pairs = 0.0
    for own, others in zip(count, count.sum(axis=0) - count, strict=True):
        rate = (others[:, 1] + PRIOR_DEALS * _share(others)) / (others.sum(axis=1) + PRIOR_DEALS)
        _, rank = np.unique(rate, return_inverse=True)
        lost_at, won_at = np.bincount(rank, own[:, 0]), np.bincount(rank, own[:, 1])
        won_pairs += float((won_at * (np.cumsum(lost_at) - lost_at / 2)).sum())
        pairs += float(lost_at.sum() * won_at.sum())
    auc = won_pairs / pairs if pairs else 0.5
    return Power(auc, auc_error(auc, int(won.sum()), int((~won).sum())))


def auc_error(auc: float, won: int, lost: int) -> float:
    """Standard error of an AUC (Hanley & McNeil, "The meaning and use of the area under a ROC curve", 1982)."""
    two_won, two_lost = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    variance = auc * (1 - auc) + (won - 1) * (two_won - auc**2) + (lost - 1) * (two_lost - auc**2)
    return float(np.sqrt(max(variance, 0.0) / (won * lost)))


def as_numbers(texts: pd.Index) -> np.ndarray | None:
    """Texts that read as numbers, however written; None where they do not. Shape (texts,), float64."""
    return _as_read(texts, (_as_written, _with_decimal_comma))


def as_days(texts: pd.Index) -> np.ndarray | None:
    """Texts that read as dates or instants, in days since 1970; None where they do not. Shape (texts,), float64."""
    return _as_read(texts, [partial(_days, form=form) for form in _DATE_FORMATS])


def mostly_common(code: np.ndarray) -> bool:
    """Whether most values are such as many deals have: a category, no free text."""
    count = np.bincount(code[code >= 0])
    return bool(count[count >= RARE].sum() * 2 >= count.sum())


def _as_read(texts: pd.Index, ways: Iterable[Callable[[pd.Series], np.ndarray]]) -> np.ndarray | None:
    """The texts read in the first way that does for nearly all of them; a few are tried first."""
    text = pd.Series(texts, dtype="str")
    few = text.iloc[:: max(len(text) // TRIED, 1)]
    for read in ways:
        if all(len(some) and np.isfinite(read(some)).mean() >= READABLE for some in (few, text)):
            return read(text)
    return None


def _as_written(text: pd.Series) -> np.ndarray:
    bare = text.str.replace(_SIGNS, "", regex=True).str.replace(_THOUSANDS, "", regex=True)
    number = pd.to_numeric(bare, errors="coerce").to_numpy(float, na_value=np.nan)
    return np.where(np.isfinite(number), number, np.nan)


def _with_decimal_comma(text: pd.Series) -> np.ndarray:
    return _as_written(text.str.replace(_DOTTED, "", regex=True).str.replace(",", ".", regex=False))


def _days(text: pd.Series, form: str) -> np.ndarray:
    when = pd.to_datetime(text, errors="coerce", format=form, utc=True)
    return ((when - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(days=1)).to_numpy(float)


def _text_levels(code: np.ndarray, texts: pd.Index) -> np.ndarray:
    """Texts on enough deals a level each, rare ones by their length, 0 = missing. Shape (n,), int64."""
    alone = np.append(np.bincount(code[code >= 0], minlength=len(texts)) < RARE, False)[code]  # the last is code -1
    length = np.full(len(code), np.nan)
    length[alone] = np.array([len(str(text)) for text in texts], dtype=float)[code[alone]]
    by_length = _number_levels(length)
    most = by_length.max(initial=0)
    return np.where(alone, by_length, np.where(code >= 0, code + 1 + most, 0))


def _share(count: np.ndarray) -> float:
    total = count.sum()
    return float(count[:, 1].sum() / total) if total else 0.5


def _number_levels(value: np.ndarray) -> np.ndarray:
    """Common numbers a level each, the rest in equally filled spans, 0 = missing. Shape (n,), int64."""
    code = np.zeros(len(value), dtype=np.int64)
    given = np.flatnonzero(np.isfinite(value))
    if not len(given):
        return code
    _, which, count = np.unique(value[given], return_inverse=True, return_counts=True)
    common = count >= max(RARE, COMMON_NUMBER * len(given))
    code[given] = np.where(common, np.cumsum(common), 0)[which]
    rest = given[~common[which]]
    if len(rest):
        spans = int(np.clip(len(rest) // LEAST_IN_SPAN, 1, MOST_SPANS))
        edges = np.unique(np.quantile(value[rest], np.arange(1, spans) / spans))
        code[rest] = 1 + common.sum() + np.searchsorted(edges, value[rest])
    return code
