"""Real CRM data, where they are there: folders under the one that DEALCAST_REAL_DATA names."""

from __future__ import annotations

import os
import sys
from pathlib import Path

GUIDE = Path(__file__).parents[1] / "docs" / "your-data.md"


def real_data(name: str) -> Path | None:
    """The folder of that name; None, which is said, where it is not there."""
    root = os.environ.get("DEALCAST_REAL_DATA")
    folder = Path(root or "") / name
    if root is not None and folder.is_dir():
        return folder
    print(f"   {name}: left out, DEALCAST_REAL_DATA does not name a folder that has it", file=sys.stderr, flush=True)
    return None


def mapping_of_the_guide() -> str:
    """The configuration under "Any other shape" in the guide, which is written for the files of `maven`."""
    return GUIDE.read_text(encoding="utf-8").split("## Any other shape")[1].split("```toml\n")[1].split("```")[0]
