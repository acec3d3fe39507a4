"""The kernel answers what the plain reference answers, and says of what it cannot answer why."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from crm.clock import DAY
from crm.periods import KINDS, FiscalCalendar
from features.catalogue import catalogue
from features.engines import Kernel, Prepared, Snapshots, compute, prepare
from features.histories import Histories
from features.questions import Constant, Count, Distinct, First, Last, Since, SinceFirst, known, log1p, otherwise
from tests.features.reference import Place, Reference, agree
from tests.histories import EVERYTHING, STAGES, Life, change, company, crm, deal, millis, show

EDGES = np.array([0, -1, 1, 7 * DAY, 7 * DAY - 1, 14 * DAY, 28 * DAY, 30 * DAY, 30 * DAY + 1, 180 * DAY, 365 * DAY])


def places_to_ask(rng: np.random.Generator, prepared: Prepared, count: int) -> Snapshots:
    """Snapshots at, just before and just after what happened, and where a window's edge meets it."""
    moments = [stream.events.at for stream in prepared.streams.values()]
    moment = rng.choice(np.concatenate([*moments, [millis("2023-01-01"), millis("2030-01-01")]]), count)
    return Snapshots(rng.integers(0, len(prepared.histories), count), moment + rng.choice(EDGES, count))


@settings(max_examples=40, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(seed=st.integers(0, 2**32 - 1))
def test_the_kernel_agrees_with_the_plain_reference_on_every_feature(seed: int) -> None:
    rng = np.random.default_rng(seed)
    calendar = FiscalCalendar(str(rng.choice(KINDS)), int(rng.integers(1, 13)))
    histories = Histories(show(company(rng, Life(days=int(rng.choice((30, 300))))), rng))
    prepared = prepare(histories, catalogue(replace(EVERYTHING, calendar=calendar)), calendar)
    snapshots = places_to_ask(rng, prepared, 25)
    kernel, reference = Kernel(prepared, snapshots), Reference(histories, prepared.catalogue, calendar)
    places = [Place(int(d), int(a)) for d, a in zip(snapshots.deal, snapshots.as_of, strict=True)]
    for feature in prepared.catalogue.features:
        if prepared.why_absent(feature) is None:
            fast = kernel.answer(feature.ask)
            slow = np.array([reference.answer(feature.ask, place) for place in places])
            assert agree(fast, slow).all(), (feature.name, fast, slow, places)
