"""Exact SHAP values of boosted trees (path-dependent; Lundberg et al. 2020), many rows at the cost of looking them up.

What a small tree contributes depends on a row only through how the tree's splits turn out for it, the ones beside its
path included: 2^splits ways. Each way's contributions are worked out once; a row then costs one comparison a split and
one look-up a feature. A larger tree is a sum of small ones, each of some of its leaves. (Looking up instead of walking
is the idea of Nadel & Wettenstein 2025, who look up path by path; docs/decisions/0021 compares.)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import comb
from typing import Any

import lightgbm as lgb
import numpy as np

FEW_ROWS = 500
"""Up to here LightGBM's own walk over the trees is as fast."""
MOST_SPLITS = 11
"""What has more of them has too many ways to turn out."""
ROWS_IN_CACHE = 8_192
MOST_NUMBERS = 10_000_000
"""Of tables in memory at once."""


def contributions(booster: lgb.Booster, x: np.ndarray) -> np.ndarray:
    """SHAP values in log-odds, shape (n, features + 1); the last column is the expected margin.

    :param x: (n, features) float32, NaN = not known; at least one row.
    """
    if len(x) <= FEW_ROWS:
        return by_lightgbm(booster, x)
    values = np.zeros((len(x), x.shape[1] + 1))
    values[:, -1] = by_lightgbm(booster, x[:1])[0, -1]
    pieces: list[Tree] = []
    for number, one in enumerate(booster.dump_model()["tree_info"]):
        tree = read(one["tree_structure"])
        small = None if tree is None else in_pieces(tree)
        if small is None:
            values[:, :-1] += by_lightgbm(booster, x, number)[:, :-1]
        else:
            pieces += [piece for piece in small if piece.splits]
    for some in _at_once(pieces):
        _add(some, x, values)
    return values


def by_lightgbm(booster: lgb.Booster, x: np.ndarray, tree: int | None = None) -> np.ndarray:
    """The same from LightGBM's own walk over the trees; of one of them where it is named."""
    first, count = (0, None) if tree is None else (tree, 1)
    found = booster.predict(x, start_iteration=first, num_iteration=count, pred_contrib=True)
    return np.asarray(found, dtype=float)


@dataclass(frozen=True)
class Split:
    """Rows whose feature is at most the threshold go left; `unknown_left` says whether unknown ones do."""

    feature: int
    threshold: float
    unknown_left: bool


Condition = tuple[int, bool]
"""A split, by its place among the tree's, and whether it must go left."""


@dataclass(frozen=True)
class Leaf:
    """A leaf and its path: by feature what must hold of it, and the share of training rows of which it does."""

    value: float
    path: Mapping[int, tuple[tuple[Condition, ...], float]]

    @property
    def splits(self) -> list[int]:
        """The splits on its path."""
        return sorted({split for conditions, _ in self.path.values() for split, _ in conditions})


@dataclass(frozen=True)
class Tree:
    """A tree's splits and leaves, or some of its leaves with their splits."""

    splits: tuple[Split, ...]
    leaves: tuple[Leaf, ...]

    def of(self, leaves: Sequence[Leaf]) -> Tree:
        """Some of the leaves, with their splits alone."""
        used = sorted({split for leaf in leaves for split in leaf.splits})
        place = {split: number for number, split in enumerate(used)}

        def renumbered(leaf: Leaf) -> Leaf:
            path = {
                feature: (tuple((place[split], left) for split, left in conditions), share)
                for feature, (conditions, share) in leaf.path.items()
            }
            return Leaf(leaf.value, path)

        return Tree(tuple(self.splits[split] for split in used), tuple(map(renumbered, leaves)))


def read(node: Mapping[str, Any]) -> Tree | None:
    """A tree from LightGBM's own description; None where a split means what is not known here."""
    splits: list[Split] = []
    leaves: list[Leaf] = []

    def walk(node: Mapping[str, Any], path: Mapping[int, tuple[tuple[Condition, ...], float]]) -> bool:
        if "split_feature" not in node:
            leaves.append(Leaf(float(node["leaf_value"]), path))
            return True
        unknown, threshold, feature = node["missing_type"], float(node["threshold"]), int(node["split_feature"])
        if node["decision_type"] != "<=" or unknown == "Zero":
            return False
        number = len(splits)
        # Where nothing was unknown in training, LightGBM takes unknown for 0.
        splits.append(Split(feature, threshold, node["default_left"] if unknown == "NaN" else threshold >= 0))
        known = True
        for side, left in (("left_child", True), ("right_child", False)):
            conditions, share = path.get(feature, ((), 1.0))
            taken = share * _rows(node[side]) / node["internal_count"]
            known &= walk(node[side], {**path, feature: ((*conditions, (number, left)), taken)})
        return known

    return Tree(tuple(splits), tuple(leaves)) if walk(node, {}) else None


def _rows(node: Mapping[str, Any]) -> int:
    return int(node["internal_count"] if "split_feature" in node else node["leaf_count"])


def in_pieces(tree: Tree) -> list[Tree] | None:
    """Trees of at most MOST_SPLITS whose sum is the tree, neighbouring leaves together; None where there are none."""
    if len(tree.splits) <= MOST_SPLITS:
        return [tree]
    pieces: list[list[Leaf]] = []
    held: set[int] = set()
    for leaf in tree.leaves:
        if len(leaf.splits) > MOST_SPLITS:
            return None
        if not pieces or len(held | set(leaf.splits)) > MOST_SPLITS:
            pieces, held = [*pieces, []], set()
        pieces[-1].append(leaf)
        held |= set(leaf.splits)
    return [tree.of(leaves) for leaves in pieces]


def _at_once(trees: Iterable[Tree]) -> Iterator[list[Tree]]:
    """The trees in turn, as many as have their tables in memory at once."""
    some: list[Tree] = []
    numbers = 0
    for tree in trees:
        numbers += len({split.feature for split in tree.splits}) << len(tree.splits)
        if some and numbers > MOST_NUMBERS:
            yield some
            some, numbers = [], 0
        some.append(tree)
    if some:
        yield some


def _add(trees: Sequence[Tree], x: np.ndarray, values: np.ndarray) -> None:
    """Add what the trees contribute for the rows of `x`."""
    bounds = {
        feature: np.unique([s.threshold for tree in trees for s in tree.splits if s.feature == feature])
        for feature in sorted({split.feature for tree in trees for split in tree.splits})
    }
    row_of = {feature: row for row, feature in enumerate(bounds)}
    ready = []
    for tree, tables in zip(trees, tables_of(trees), strict=True):
        # Each feature's places stand twice: with what is unknown on the left, and on the right.
        rows = np.array([2 * row_of[split.feature] + (not split.unknown_left) for split in tree.splits])
        upto = [np.searchsorted(bounds[split.feature], split.threshold) for split in tree.splits]
        ready.append((rows, np.array(upto, dtype=np.uint16)[:, None], tables))
    for first in range(0, len(x), ROWS_IN_CACHE):
        block = slice(first, first + ROWS_IN_CACHE)
        places = _places(x[block], bounds)
        found = {feature: np.zeros(places.shape[1]) for feature in bounds}
        for rows, last, tables in ready:
            way = _way(places[rows] <= last)
            for feature, table in tables.items():
                found[feature] += table[way]
        for feature, points in found.items():
            values[block, feature] += points


def _places(x: np.ndarray, bounds: Mapping[int, np.ndarray]) -> np.ndarray:
    """Where each value lies among its feature's thresholds: at most the k-th has a place up to k; (2 features, n)."""
    found = np.empty((2 * len(bounds), len(x)), dtype=np.uint16)
    for row, (feature, thresholds) in enumerate(bounds.items()):
        values = x[:, feature].astype(float)  # thresholds lie between neighbouring float32
        found[2 * row] = found[2 * row + 1] = np.searchsorted(thresholds, values)  # unknown is beyond all of them
        found[2 * row, np.isnan(values)] = 0
    return found


def _way(lefts: np.ndarray) -> np.ndarray:
    """The number of each way of turning out; (splits, n) → (n,)."""
    bits = lefts.view(np.uint8)
    way = _byte(bits[:8]).astype(np.intp)
    return way if len(bits) <= 8 else way + 256 * _byte(bits[8:]).astype(np.intp)


def _byte(bits: np.ndarray) -> np.ndarray:
    found = bits[0].copy()
    for place in range(1, len(bits)):
        found |= bits[place] << place
    return found


def tables_of(trees: Sequence[Tree]) -> Iterator[dict[int, np.ndarray]]:
    """For each tree and feature, what it contributes in each way that the splits can turn out; shape (2^splits,)."""
    by_depth: dict[int, list[Leaf]] = {}
    for tree in trees:
        for leaf in tree.leaves:
            by_depth.setdefault(len(leaf.path), []).append(leaf)
    points = {depth: _points(leaves, depth) for depth, leaves in by_depth.items()}
    for tree in trees:
        ways = np.arange(2 ** len(tree.splits))
        lefts = [(ways >> split) & 1 == 1 for split in range(len(tree.splits))]
        found = {split.feature: np.zeros(len(ways)) for split in tree.splits}
        for leaf in tree.leaves:
            held = np.zeros(len(ways), dtype=np.intp)
            for place, (conditions, _) in enumerate(leaf.path.values()):
                follows = np.ones(len(ways), dtype=bool)
                for split, left in conditions:
                    follows &= lefts[split] == left
                held += follows << place
            of_leaf = next(points[len(leaf.path)])
            for place, feature in enumerate(leaf.path):
                found[feature] += of_leaf[held, place]
        yield found


_LEAVES_AT_ONCE = 64


def _points(leaves: Sequence[Leaf], depth: int) -> Iterator[np.ndarray]:
    """What each leaf of so many features contributes, by which of them a row follows; (2^depth, depth) each."""
    for first in range(0, len(leaves), _LEAVES_AT_ONCE):
        some = leaves[first : first + _LEAVES_AT_ONCE]
        shares = np.array([[share for _, share in leaf.path.values()] for leaf in some]).reshape(len(some), depth)
        yield from shapley(shares) * np.array([leaf.value for leaf in some])[:, None, None]


def shapley(share: np.ndarray) -> np.ndarray:
    """Shapley values of leaves worth 1, by which of its d features a row follows; shape (leaves, 2^d, d).

    A leaf is worth Π over its features of 1 or 0 where the feature is known (followed or not), and of the share of
    training rows that follow where it is not.

    :param share: (leaves, d).
    """
    leaves, d = share.shape
    follows = ((np.arange(2**d)[:, None] >> np.arange(d)) & 1).astype(float)
    found = np.empty((leaves, 2**d, d))
    for player in range(d):
        # The k-th of the last axis sums over all ways to know k of the others.
        known = np.zeros((leaves, 2**d, d))
        known[:, :, 0] = 1.0
        for other in range(d):
            if other != player:
                one_more = known[:, :, :-1] * follows[:, [other]]
                known *= share[:, other][:, None, None]
                known[:, :, 1:] += one_more
        weights = np.array([1 / (d * comb(d - 1, k)) for k in range(d)])
        found[:, :, player] = (known @ weights) * (follows[:, player] - share[:, [player]])
    return found
