"""Is there a stage in which the model promises far too much or too little?"""

import numpy as np

from training.gate import Evidence, Finding, Outcome
from training.scores import mean_interval

LEAST_DEALS = 50


def check(evidence: Evidence) -> Finding:
    """Passed where no stage with enough deals is off by more than the threshold beyond chance."""
    name = "no stage badly off"
    judged = evidence.judged
    if judged is None:
        return Finding(name, Outcome.NOT_APPLICABLE, "No later deals to judge by.")
    stages = sorted({s for s in judged.stage if s is not None})
    off, looked_at = [], 0
    for stage in stages:
        here = judged.stage == stage
        if len(np.unique(judged.deal[here])) < LEAST_DEALS:
            continue
        looked_at += 1
        gap = mean_interval((judged.probabilities["model"] - judged.y)[here], judged.weight[here], judged.deal[here])
        if gap.low > evidence.thresholds.worst_segment_gap or gap.high < -evidence.thresholds.worst_segment_gap:
            off.append(f"{stage} is {abs(gap.value):.0%} too {'high' if gap.value > 0 else 'low'}")
    if not looked_at:
        return Finding(name, Outcome.NOT_APPLICABLE, f"No stage has {LEAST_DEALS} deals to judge by.")
    says = "; ".join(off) + "." if off else f"{looked_at} stages looked at, none off beyond chance."
    return Finding(name, Outcome.FAILED if off else Outcome.PASSED, says)
