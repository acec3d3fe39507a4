"""A plan carried out: the journal first, batch by batch, and what is unclear is read back before it is believed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from crm.errors import DealcastError
from serving.sinks.sink import Fate, Sink, Values
from serving.store_writeback import Progress, WritebackStore
from serving.writeback.plan import Change, read_all

ATTEMPTS = 3
"""How often a record is written of which no answer came, and which does not hold the new values."""

CHANGED_THERE = "it was changed there in the meantime"
NO_ANSWER = "no answer came, and it does not hold the new values"


@dataclass
class Applied:
    """What became of the records of a run, by their ids.

    :param failed: with what the sink said; `left`: those that held something else by then, with why.
    :param unprocessed: those that were not come to, or of which it is not known; `stopped`: why.
    """

    run_id: str
    written: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)
    unprocessed: list[str] = field(default_factory=list)
    stopped: DealcastError | None = None

    @property
    def whole(self) -> bool:
        """Whether every record was written."""
        return not (self.failed or self.left or self.unprocessed or self.stopped)


@dataclass(frozen=True)
class Carrier:
    """Carries changes to a sink and keeps the journal of a run.

    :param still_alone: raises where another may be at work by now.
    """

    sink: Sink
    journal: WritebackStore
    run_id: str
    still_alone: Callable[[], None]

    def carry(self, changes: Mapping[str, Change], step: Callable[[int, int], None]) -> Applied:
        """Write the changes; those that the sink cannot be asked about any more stay for the next time."""
        ids, done = sorted(changes), Applied(self.run_id)
        for first in range(0, len(ids), self.sink.batch):
            batch = ids[first : first + self.sink.batch]
            try:
                self._batch({one: changes[one] for one in batch}, done)
            except DealcastError as error:
                settled = {*done.written, *done.failed, *done.left}
                done.unprocessed = [one for one in ids[first:] if one not in settled]
                done.stopped = error
                return done
            step(first + len(batch), len(ids))
        self.journal.finish_writeback(self.run_id)
        return done

    def reconcile(self, changes: Mapping[str, Change]) -> None:
        """Ask the sink what became of records of which it is not known whether the write arrived."""
        if changes:
            self._settle(changes, Applied(self.run_id), Progress.PLANNED)

    def _batch(self, changes: Mapping[str, Change], done: Applied) -> None:
        self.still_alone()
        ready = self._sorted(changes, done)  # as the plan found them; what came in between is left alone
        for attempt in range(ATTEMPTS):
            if not ready:
                return
            self._mark(list(ready), Progress.SENT, done)
            unclear = self._sent(ready, done)
            last = attempt == ATTEMPTS - 1
            ready = self._settle(unclear, done, Progress.FAILED if last else Progress.SENT)

    def _sent(self, changes: Mapping[str, Change], done: Applied) -> dict[str, Change]:
        """Write a batch; gives back those of which it is not clear what became of them."""
        outcomes = {one.record_id: one for one in self.sink.write({i: c.after for i, c in changes.items()})}
        self._mark(
            [i for i, one in outcomes.items() if one.fate is Fate.WRITTEN and i in changes], Progress.WRITTEN, done
        )
        refused: dict[str, list[str]] = {}
        for one in outcomes.values():
            if one.fate is Fate.FAILED and one.record_id in changes:
                refused.setdefault(one.said, []).append(one.record_id)
        for said, ids in refused.items():
            self._mark(ids, Progress.FAILED, done, said)
        return {i: c for i, c in changes.items() if i not in outcomes or outcomes[i].fate is Fate.UNCLEAR}

    def _settle(self, unclear: Mapping[str, Change], done: Applied, otherwise: Progress) -> dict[str, Change]:
        """Read back what is unclear; gives back those that hold what they held before, marked as said."""
        waiting = self._sorted(unclear, done)
        if otherwise is not Progress.SENT:
            self._mark(list(waiting), otherwise, done, NO_ANSWER if otherwise is Progress.FAILED else "")
        return waiting

    def _sorted(self, changes: Mapping[str, Change], done: Applied) -> dict[str, Change]:
        """By what records hold now: those with the new values are written, those with the old ones are given back.

        Whatever holds neither was changed there in the meantime, and is left alone.
        """
        now = read_all(self.sink, list(changes))
        written = [one for one in now if _holds(now[one], changes[one].after)]
        waiting = {one: changes[one] for one in now if _holds(now[one], changes[one].before)}
        self._mark(written, Progress.WRITTEN, done)
        neither = changes.keys() - waiting.keys() - set(written)
        self._mark(sorted(neither), Progress.LEFT, done, CHANGED_THERE)
        return waiting

    def _mark(self, ids: Sequence[str], progress: Progress, done: Applied, said: str = "") -> None:
        if not ids:
            return
        self.journal.mark(self.run_id, ids, progress, said)
        if progress is Progress.WRITTEN:
            done.written.extend(ids)
        elif progress is Progress.FAILED:
            done.failed |= dict.fromkeys(ids, said)
        elif progress is Progress.LEFT:
            done.left |= dict.fromkeys(ids, said)


def _holds(now: Values, values: Values) -> bool:
    return all(now[name] == value for name, value in values.items())
