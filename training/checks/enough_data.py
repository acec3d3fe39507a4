"""Are there enough closed deals of both outcomes to learn from, and later ones to judge by?"""

from training.gate import Evidence, Finding, Outcome


def check(evidence: Evidence) -> Finding:
    """Passed at the published minimum, with rows left to judge by."""
    least, each = evidence.thresholds.least_closed, evidence.thresholds.least_each
    closed = evidence.won + evidence.lost
    enough = closed >= least and min(evidence.won, evidence.lost) >= each and evidence.win is not None
    says = f"{closed} closed deals ({evidence.won} won, {evidence.lost} lost); at least {least} and {each} of each."
    if evidence.win is None:
        says += " The history is too short to judge a model on later dates."
    return Finding("enough data", Outcome.PASSED if enough else Outcome.FAILED, says)
