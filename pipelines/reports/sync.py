"""What a sync brought, as text and as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict

from crm.sources.mirror.sync import Synced
from pipelines.terminal import about, cut, wrapped

_NAME = 34


def sync_text(done: Synced) -> str:
    """Table by table what came, and where it is."""
    lines = wrapped(f"Synced with {done.manifest.source}.", "")
    lines += ["", f"{'':{_NAME}} {'rows':>11} {'new':>11} {'changed':>9} {'gone':>8}"]
    for name, came in done.came.items():
        lines.append(f"{cut(name, _NAME):{_NAME}} {came.rows:>11,} {came.new:>11,} {came.changed:>9,} {came.gone:>8,}")
    if any(came.gone for came in done.came.values()):
        lines += ["", *wrapped("Gone: deleted or merged at the source, and left out of every answer from now on.", "")]
    return "\n".join([*lines, "", *about(done.folder.parent, "the mirror")])


def sync_json(done: Synced) -> str:
    """A machine's summary."""
    manifest = done.manifest
    tables = {
        name: {**asdict(came), "gone_ever": manifest.tables[name].deleted, "cursor": manifest.tables[name].cursor}
        for name, came in done.came.items()
    }
    facts = {"source": manifest.source, "synced_at": manifest.synced_at, "folder": str(done.folder), "tables": tables}
    return json.dumps(facts, ensure_ascii=False)
