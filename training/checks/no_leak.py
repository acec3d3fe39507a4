"""Does anything look too good to have been known at the time?"""

from training.gate import Evidence, Finding, Outcome


def check(evidence: Evidence) -> Finding:
    """Passed where neither the model nor any single feature sorts won from lost almost perfectly."""
    limit = evidence.thresholds.suspicious_auc
    suspects = [f"{name} alone {auc:.3f}" for name, auc in sorted(evidence.single_auc.items()) if auc > limit]
    if evidence.win is not None and evidence.win.model.auc.value > limit:
        suspects.insert(0, f"the model {evidence.win.model.auc.value:.3f}")
    if suspects:
        says = f"AUC above {limit}: {', '.join(suspects)}. Something known only afterwards may have leaked in."
        return Finding("no leak", Outcome.FAILED, says)
    return Finding("no leak", Outcome.PASSED, f"No feature alone, nor the model, has an AUC above {limit}.")
