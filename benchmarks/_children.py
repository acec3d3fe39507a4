"""Steps that run in processes of their own, so that their memory and their time are their own."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any


def child(module: str, *arguments: object) -> dict[str, Any]:
    """What a step of `benchmarks.<module>` tells, the last line that it prints.

    Raises CalledProcessError where it fails.
    """
    words = list(map(str, arguments))
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{module}", *words], check=True, stdout=subprocess.PIPE, text=True
    )
    answer = dict(json.loads(done.stdout.splitlines()[-1]))
    print("  ", *words, answer, file=sys.stderr, flush=True)
    return answer
