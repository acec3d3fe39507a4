"""Do the probabilities keep their promise on later dates?"""

from training.gate import Evidence, Finding, Outcome


def check(evidence: Evidence) -> Finding:
    """Passed where the calibration error is small, or the slope's interval reaches into the accepted span."""
    name = "calibrated"
    if evidence.win is None:
        return Finding(name, Outcome.NOT_APPLICABLE, "No later deals to judge by.")
    error = evidence.win.model.calibration_error
    slope, low, high = evidence.win.slope
    worst = evidence.thresholds.worst_slope
    good = error <= evidence.thresholds.worst_calibration_error or (high >= worst and low <= 1 / worst)
    says = (
        f"Promised {evidence.win.model.mean:.0%}, kept {evidence.win.kept:.0%}; "
        f"slope {slope:.2f} ({low:.2f} to {high:.2f}), expected calibration error {error:.3f}."
    )
    return Finding(name, Outcome.PASSED if good else Outcome.FAILED, says)
