"""What `dealcast export` tells of the files it wrote."""

from __future__ import annotations

import json
from dataclasses import asdict

from pipelines.export import MANIFEST, ExportResult
from pipelines.terminal import about


def export_text(result: ExportResult) -> str:
    """A line a view."""
    rows = sum(one.rows for one in result.views.values())
    head = about(result.folder, f"{len(result.views)} views, {rows:,} rows; {MANIFEST} tells what is in them.")
    lines = [f"  {one.file:30} {one.rows:12,} rows, {len(one.runs):4} runs" for one in result.views.values()]
    return "\n".join([*head, *lines])


def export_json(result: ExportResult) -> str:
    """The same for programs."""
    views = {name: asdict(one) for name, one in result.views.items()}
    return json.dumps({"folder": str(result.folder), "views": views}, indent=2, ensure_ascii=False)
