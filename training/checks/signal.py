"""Does the model know more than the base rate on dates it has not seen?"""

from training.gate import Evidence, Finding, Outcome


def check(evidence: Evidence) -> Finding:
    """Passed where the log loss saved against the base rate, and the AUC over 0.5, exceed chance."""
    name = "finds a signal"
    if evidence.win is None:
        return Finding(name, Outcome.NOT_APPLICABLE, "No later deals to judge by.")
    gain, auc = evidence.win.model.gain, evidence.win.model.auc
    found = gain.low > 0 and auc.low > 0.5
    says = f"Log loss saved against the base rate {gain}; AUC {auc}."
    if not found:
        says += " What was known of these deals does not tell won from lost better than the base rate does."
    return Finding(name, Outcome.PASSED if found else Outcome.FAILED, says)
