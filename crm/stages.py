"""The stages of a sales process where no table names them: what the deals' histories say, then the names.

The order of open stages is the one that the moves between them agree with best: positions s that minimise the
squared misfit of s[b] - s[a] to the net share of moves from a to b, weighted by how many there were
(least-squares ranking, Jiang et al., "Statistical ranking and combinatorial Hodge theory", 2011).
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from crm.tables import STAGES, CrmTables

WON_NAMES = re.compile(r"closed[ _-]*won|\b(won|gewonnen|gagn[ée]e?|ganad[oa])\b", re.IGNORECASE)
LOST_NAMES = re.compile(
    r"closed[ _-]*lost|\b(lost|verloren|perdue?|perdid[oa]|abandoned|disqualified|dead|not won)\b",
    re.IGNORECASE,
)
# Words that stages are named with, in the order in which a sale usually meets them.
USUAL_ORDER = (
    r"\blead\b|prospect|\bnew\b|inquiry",
    r"qualif|engag|contact|appointment",
    r"discover|needs|analysis|assess|scop",
    r"demo|present|value prop|evaluat|trial|poc|pilot",
    r"decision|perception|shortlist|bought",
    r"proposal|quote|price|offer",
    r"negotiat|review|legal|procure",
    r"contract|commit|verbal|approv|sign",
)


def infer_stages(tables: CrmTables) -> pd.DataFrame:
    """The stages table as the deals and their changes imply it; to be confirmed by someone who knows.

    A stage is closed where most deals that stand in it are closed, else by its name; it is won where most of
    those are won, else by its name. Open stages come first, in the order of the moves between them, else of
    the CRM's own probabilities, else of their names, else the most frequent first; then won, then lost.
    """
    deals = tables["opportunities"][["stage", "closed_at", "is_won", "probability"]]
    moves = _moves(tables)
    names = pd.unique(pd.concat([deals["stage"], moves["from"], moves["to"]]).dropna())
    evidence = _evidence(deals).reindex(names)
    closed = _closed(deals, evidence)
    won = _won(evidence) & closed
    order = _order([n for n in names if not closed[n]], moves, evidence)
    order += [n for n in names if won[n]] + [n for n in names if closed[n] and not won[n]]
    frame = pd.DataFrame(
        {
            "stage": pd.Series(order, dtype="str"),
            "position": np.arange(1, len(order) + 1, dtype="float64"),
            "is_closed": pd.Series([bool(closed[n]) for n in order], dtype="boolean"),
            "is_won": pd.Series([bool(won[n]) for n in order], dtype="boolean"),
        }
    )
    return frame.reindex(columns=[c.name for c in STAGES.columns]).astype(
        {c.name: c.kind.dtype for c in STAGES.columns}
    )


def _moves(tables: CrmTables) -> pd.DataFrame:
    """Moves between stages with their number: from, to, count."""
    changes = tables["changes"]
    stage_changes = changes[changes["field"] == "stage"]
    pairs = stage_changes.groupby(["old_value", "new_value"], dropna=False, sort=False).size()
    moves = pairs.rename("count").reset_index()
    return moves.rename(columns={"old_value": "from", "new_value": "to"})


def _evidence(deals: pd.DataFrame) -> pd.DataFrame:
    """By stage: deals, how many are closed and how many won (NaN where no deal says), mean probability."""
    won = deals["is_won"].fillna(False).astype(bool)
    if deals["closed_at"].notna().any():
        closed = deals["closed_at"].notna()
    else:  # an outcome for some means that blank is open; for all, that false may be open
        closed = deals["is_won"].notna() if deals["is_won"].isna().any() else won
    by_stage = pd.DataFrame(
        {
            "stage": deals["stage"],
            "deals": 1,
            "closed": closed,
            "won": won.where(deals["is_won"].notna() & closed),
            "probability": deals["probability"],
        }
    )
    how = {"deals": "sum", "closed": "mean", "won": "mean", "probability": "mean"}
    return by_stage.astype({"won": "float64"}).groupby("stage", sort=False).agg(how)


def _closed(deals: pd.DataFrame, evidence: pd.DataFrame) -> pd.Series:
    """Whether each stage is closed. Names decide where the deals cannot tell lost from open."""
    named = _matches(evidence, WON_NAMES) | _matches(evidence, LOST_NAMES)
    can_tell = bool(deals["closed_at"].notna().any() or deals["is_won"].isna().any() != deals["is_won"].isna().all())
    seen = evidence["deals"].notna() & can_tell
    return (evidence["closed"] > 0.5).where(seen, named | (evidence["closed"] > 0.5)).astype(bool)


def _won(evidence: pd.DataFrame) -> pd.Series:
    """Whether most closed deals in the stage are won; by its name where none says."""
    named = _matches(evidence, WON_NAMES) & ~_matches(evidence, LOST_NAMES)
    return (evidence["won"] > 0.5).where(evidence["won"].notna(), named).astype(bool)


def _matches(evidence: pd.DataFrame, names: re.Pattern[str]) -> pd.Series:
    return pd.Series([bool(names.search(stage)) for stage in evidence.index], index=evidence.index)


def _order(stages: list[str], moves: pd.DataFrame, evidence: pd.DataFrame) -> list[str]:
    """Open stages from first to last."""
    between = moves[moves["from"].isin(stages) & moves["to"].isin(stages) & (moves["from"] != moves["to"])]
    frequency = evidence["deals"].fillna(0)
    probability = evidence["probability"]
    if len(between):
        positions = _positions(stages, between)
        return sorted(stages, key=lambda n: (positions[n], _usual_place(n), -frequency[n]))
    if len(stages) and probability.reindex(stages).notna().all() and probability.reindex(stages).nunique() > 1:
        return sorted(stages, key=lambda n: probability[n])
    return sorted(stages, key=lambda n: (_usual_place(n), -frequency[n]))


def _positions(stages: list[str], moves: pd.DataFrame) -> dict[str, float]:
    """Least-squares positions from the net flow between each two stages."""
    place = {stage: i for i, stage in enumerate(stages)}
    flow = np.zeros((len(stages), len(stages)))
    for start, end, count in moves[["from", "to", "count"]].itertuples(index=False):
        flow[place[start], place[end]] += count
    first, second = np.nonzero(np.triu(flow + flow.T, k=1))
    total = flow[first, second] + flow[second, first]
    net = (flow[first, second] - flow[second, first]) / total
    design = np.zeros((len(first), len(stages)))
    rows = np.arange(len(first))
    design[rows, second], design[rows, first] = 1.0, -1.0
    weight = np.sqrt(total)
    solution = np.linalg.lstsq(design * weight[:, None], net * weight, rcond=None)[0]
    return dict(zip(stages, solution.tolist(), strict=True))


def _usual_place(stage: str) -> tuple[float, float]:
    """A number that the name begins with, else the place of a word it holds; neither = last."""
    numbered = re.match(r"\s*(\d+)", stage)
    if numbered:
        return 0.0, float(numbered.group(1))
    places = [i for i, words in enumerate(USUAL_ORDER) if re.search(words, stage, re.IGNORECASE)]
    return 1.0, float(max(places, default=len(USUAL_ORDER)))
