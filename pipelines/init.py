"""Init: look at a company's data and draft the configuration that fits them; nothing is declared unseen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from crm.clock import DAY, NEVER
from crm.draft.clock import WorkingHours, working_hours
from crm.draft.fields import FixedDraft, OwnDraft, draft_fixed, draft_own
from crm.draft.fiscal import FiscalDraft, draft_fiscal
from crm.draft.look import Look, look_at
from crm.durable import replace_file
from crm.errors import WrongUse
from crm.history import data_through
from crm.quality import Readiness, readiness
from crm.tables import CrmTables
from features.histories import Histories
from features.settings import TimeSettings, TimeWishes, propose
from pipelines.company import now
from pipelines.config import FILE, Home

STEPS = 2


@dataclass(frozen=True)
class Told:
    """What the tables tell, once they could be read.

    :param snapshots: how many snapshots of deals the proposed grid gives.
    """

    tables: CrmTables
    readiness: Readiness
    hours: WorkingHours
    fiscal: FiscalDraft
    fixed: tuple[FixedDraft, ...]
    own: tuple[OwnDraft, ...]
    time: TimeSettings
    snapshots: int
    stages_inferred: bool


@dataclass(frozen=True)
class Draft:
    """A configuration to be drafted: what the data are, and what their tables tell; None where none can be read."""

    data: str
    look: Look
    told: Told | None


def draft(data: Path, named: str, step: Callable[[str], None]) -> Draft:
    """Look at a folder.

    :param named: what the user called it.
    :raises DataRefused: where no file of it looks like deals.
    """
    step("looking at the files")
    look = look_at(data)
    step("looking at what the tables tell")
    return Draft(named, look, _told(look) if look.reading else None)


def _told(look: Look) -> Told:
    assert look.reading is not None
    tables = look.reading.tables
    fiscal = draft_fiscal(tables)
    histories = Histories(tables)
    time = propose(histories, TimeWishes(period=fiscal.period))
    spans = histories.episodes
    end = data_through(tables, now())
    lasting = np.minimum(np.where(spans.closed == NEVER, end, spans.closed), end) - spans.opened
    given = any(file.table == "stages" and file.accepted for file in look.reading.report.files)
    return Told(
        tables,
        readiness(tables),
        working_hours(tables),
        fiscal,
        tuple(draft_fixed(tables)),
        tuple(draft_own(tables, look.shape)),
        time,
        int(np.ceil(np.maximum(lasting, 0) / DAY / time.grid_days).sum()),
        not given,
    )


def refuse_overwriting(home: Home) -> None:
    """Raises WrongUse where the home has a configuration already."""
    path = home.path / FILE
    if path.exists():
        raise WrongUse(
            "there is a configuration already, and it stays as it is",
            where=str(path),
            expected="a home without one",
            remedy="--print shows the draft without writing it; --force puts it in the place of what is there",
        )


def write_draft(home: Home, text: str) -> Path:
    """Write the configuration, whole or not at all; returns where."""
    path = home.path / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, text.encode())
    return path
