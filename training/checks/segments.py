"""Is there a kind of deal to which the model promises far too much or too little?"""

from training.gate import Evidence, Finding, Outcome

LEAST_DEALS = 50
OF_PEOPLE = ("owner",)
"""Shown, but no reason to keep a model back: whose deals do better than the model says may simply be good at it."""


def check(evidence: Evidence) -> Finding:
    """Passed where no kind with enough deals is off by more than the threshold, beyond chance."""
    name = "no segment badly off"
    if evidence.judged is None:
        return Finding(name, Outcome.NOT_APPLICABLE, "No later deals to judge by.")
    looked_at = [one for one in evidence.segments if one.deals >= LEAST_DEALS and one.field not in OF_PEOPLE]
    if not looked_at:
        return Finding(name, Outcome.NOT_APPLICABLE, f"No stage or segment has {LEAST_DEALS} deals to judge by.")
    worst = evidence.thresholds.worst_segment_gap
    off = [one for one in looked_at if one.gap.low > worst or one.gap.high < -worst]
    if off:
        says = "; ".join(
            f"{one.field} {one.value} is {abs(one.gap.value):.0%} too {'high' if one.gap.value > 0 else 'low'}"
            for one in off
        )
        return Finding(name, Outcome.FAILED, f"{says}.")
    says = f"{len(looked_at)} stages and segments looked at, none off by more than {worst:.0%} beyond chance."
    return Finding(name, Outcome.PASSED, says)
