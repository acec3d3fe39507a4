"""The gate: every check that is there is asked, and one that fails stands against promotion."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import training.checks
from tests.training.checks.pipeline import TRUTH, evidence
from training.gate import Finding, Outcome, Verdict, checks, judge


def test_true_probabilities_pass_every_check() -> None:
    verdict = judge(evidence(TRUTH))
    assert verdict.passed
    assert {finding.outcome for finding in verdict.findings} == {Outcome.PASSED, Outcome.NOT_APPLICABLE}
    assert len({finding.check for finding in verdict.findings}) == 7


def test_one_failed_check_stands_against_promotion_and_what_does_not_apply_does_not() -> None:
    findings = {outcome: Finding("a check", outcome, "It says so.") for outcome in Outcome}
    assert Verdict((findings[Outcome.PASSED], findings[Outcome.NOT_APPLICABLE])).passed
    assert not Verdict((findings[Outcome.PASSED], findings[Outcome.FAILED], findings[Outcome.NOT_APPLICABLE])).passed


def test_every_file_among_the_checks_is_asked() -> None:
    files = {path.stem for path in Path(training.checks.__file__).parent.glob("*.py")} - {"__init__"}
    assert set(checks()) == files


def test_a_check_is_found_by_its_presence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "never_on_friday.py").write_text(
        '"""Is it Friday?"""\n\n'
        "from training.gate import Evidence, Finding, Outcome\n\n\n"
        "def check(evidence: Evidence) -> Finding:\n"
        '    """Failed always."""\n'
        '    return Finding("never on Friday", Outcome.FAILED, f"{evidence.won} deals were won on a Friday.")\n'
    )
    monkeypatch.setattr(training.checks, "__path__", [*training.checks.__path__, str(tmp_path)])
    forgotten = "training.checks.never_on_friday"
    monkeypatch.setitem(sys.modules, forgotten, None)  # what is set here is gone after the test
    del sys.modules[forgotten]
    verdict = judge(evidence(TRUTH))
    assert Finding("never on Friday", Outcome.FAILED, "500 deals were won on a Friday.") in verdict.findings
    assert not verdict.passed
