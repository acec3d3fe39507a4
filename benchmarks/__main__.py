"""Run benchmarks and write their sections into docs/benchmarks.md; sections of others stay as they are."""

from __future__ import annotations

import pkgutil
import re
import sys
import time
from importlib import import_module
from pathlib import Path

from pipelines.config import quiet_libraries

PAGE = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"
HEAD = """# Benchmarks

Written by `make bench`. Every figure comes with its sample size; intervals are 90 %, bootstrapped over deals.
Speed is given as ratios within one run, because machines differ.
"""


def main(wanted: list[str]) -> int:
    """Run the named benchmarks, or all."""
    quiet_libraries()
    found = sorted(m.name for m in pkgutil.iter_modules([str(Path(__file__).parent)]) if not m.name.startswith("_"))
    unknown = sorted(set(wanted) - set(found))
    if unknown:
        print(f"there is no benchmark {', '.join(unknown)}; there are {', '.join(found)}", file=sys.stderr)
        return 2
    for name in wanted or found:
        module = import_module(f"benchmarks.{name}")
        print(f"{name}: running", file=sys.stderr, flush=True)
        started = time.monotonic()
        write_section(name, module.TITLE, module.run(), found)
        print(f"{name}: {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    return 0


def write_section(name: str, title: str, text: str, known: list[str]) -> None:
    """Put a section into the page, in place of its earlier version; those of no known benchmark go."""
    page = PAGE.read_text(encoding="utf-8") if PAGE.exists() else HEAD
    found = re.findall(r"<!-- (\w+) -->\n(.*?)(?=\n<!-- \w+ -->\n|\Z)", page, flags=re.DOTALL)
    sections = {key: section for key, section in found if key in known}
    sections[name] = f"## {title}\n\n{text.strip()}\n"
    body = "\n".join(f"<!-- {key} -->\n{sections[key].rstrip()}\n" for key in sorted(sections))
    PAGE.write_text(f"{HEAD}\n{body}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
