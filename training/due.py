"""Is a retraining due? Each reason is looked at, and said, whether or not it applies."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from crm.clock import DAY, utc_day
from training.drift import Drift, Shift
from training.later import LEAST_DEALS, Kept
from training.settings import RetrainWishes

NAMED = 5


class Says(Enum):
    """What a reason says of retraining."""

    DUE = "due"
    NOT_DUE = "not due"
    UNKNOWN = "not known yet"


@dataclass(frozen=True)
class Reason:
    """One reason to retrain, in a sentence with its figures."""

    name: str
    says: Says
    found: str


@dataclass(frozen=True)
class Tried:
    """The newest training that has not become champion: its version and where its data end, milliseconds."""

    version: str
    until: int


@dataclass(frozen=True)
class Due:
    """All reasons; due where one of them says so and nothing says to wait.

    :param wait: why a retraining that would be due is put off; empty where it is not.
    """

    reasons: tuple[Reason, ...]
    wait: str = ""

    @property
    def due(self) -> bool:
        """Whether to train now."""
        return not self.wait and any(reason.says is Says.DUE for reason in self.reasons)


def no_champion(now: int, tried: Tried | None, wishes: RetrainWishes) -> Due:
    """Where there is no champion one is wanted, unless it has just been tried in vain."""
    reason = Reason("champion", Says.DUE, "There is no champion yet.")
    return Due((reason,), _wait((reason,), now, tried, wishes))


def judge_due(
    until: int, now: int, kept: Kept | None, drift: Drift | None, tried: Tried | None, wishes: RetrainWishes
) -> Due:
    """Look at the champion's age, at what came of its promises, and at drift.

    :param until: the end of the champion's data, :param now: the end of today's, milliseconds.
    :param kept: how it did on later dates, None where too few deals have closed since.
    :param drift: None where no open deal, or no reference, tells.
    """
    reasons = (_age(until, now, wishes), _promise(kept, wishes), _drift(drift, wishes))
    return Due(reasons, _wait(reasons, now, tried, wishes))


def _age(until: int, now: int, wishes: RetrainWishes) -> Reason:
    days = max(now - until, 0) // DAY
    found = f"The champion's data end on {utc_day(until)}, {days} days before today's; {wishes.max_age_days} may pass."
    return Reason("age", Says.DUE if days >= wishes.max_age_days else Says.NOT_DUE, found)


def _promise(kept: Kept | None, wishes: RetrainWishes) -> Reason:
    if kept is None:
        found = f"Fewer than {LEAST_DEALS} deals that it has scored at later dates have closed."
        return Reason("promise", Says.UNKNOWN, found)
    risen = kept.rise.low > wishes.worst_rise
    found = (
        f"On {kept.deals:,} deals at later dates its log loss was {kept.realised.value:.3f}, and it had promised "
        f"{kept.promised.value:.3f}: a rise of {kept.rise}, {'beyond' if risen else 'not beyond'} chance and "
        f"{wishes.worst_rise:g}."
    )
    return Reason("promise", Says.DUE if risen else Says.NOT_DUE, found)


def _drift(drift: Drift | None, wishes: RetrainWishes) -> Reason:
    if drift is None:
        return Reason("drift", Says.UNKNOWN, "There is nothing to compare today's deals with.")
    gone = [shift for shift in drift.features if shift.beyond(wishes.worst_drift)]
    scores = drift.scores.beyond(wishes.worst_drift)
    share = len(gone) / max(len(drift.features), 1)
    found = (
        f"Stability index of the scores {drift.scores.index:.2f}; {len(gone)} of {len(drift.features)} features are "
        f"above {wishes.worst_drift:g}, above chance and above what is usual{_named(gone)}; "
        f"{wishes.drifted_share:.0%} of them may be."
    )
    return Reason("drift", Says.DUE if scores or share > wishes.drifted_share else Says.NOT_DUE, found)


def _named(gone: list[Shift]) -> str:
    if not gone:
        return ""
    more = ", …" if len(gone) > NAMED else ""
    return f" ({', '.join(f'{shift.name} {shift.index:.2f}' for shift in gone[:NAMED])}{more})"


def _wait(reasons: tuple[Reason, ...], now: int, tried: Tried | None, wishes: RetrainWishes) -> str:
    if tried is None or now - tried.until >= wishes.retry_days * DAY:
        return ""
    if all(reason.says is not Says.DUE for reason in reasons):
        return ""
    return (
        f"Version {tried.version}, trained on data until {utc_day(tried.until)}, is not champion. It is tried "
        f"again with data of {wishes.retry_days} days more, from {utc_day(tried.until + wishes.retry_days * DAY)}."
    )
