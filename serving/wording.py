"""How people read a feature's value: sentences, spans, money, days."""

from __future__ import annotations

import math
from collections.abc import Mapping

from features.feature import Feature, Unit

NOBREAK = "\u00a0"


def sentence(feature: Feature, value: float, facts: Mapping[str, str]) -> str:
    """The feature's sentence for a value (NaN = not known); `facts` are texts such as stage and owner."""
    wording = feature.wording
    if math.isnan(value):
        text = wording.missing or "Not known."
    elif wording.zero and _is_zero(value, feature.unit):
        text = wording.zero
    elif wording.negative and value < 0:
        text = wording.negative
    else:
        text = wording.text
    spoken = text.format_map(_Facts({**facts, "value": quantity(abs(value), feature, facts.get("currency", ""))}))
    return spoken[:1].upper() + spoken[1:]


def peers(feature: Feature, bounds: list[float], which: int, facts: Mapping[str, str]) -> str:
    """The deals whose value lies in span `which` of `bounds`, in words: "deals put off 3 times or more"."""
    return feature.wording.peers.format_map(_Facts({**facts, "bin": span(feature, bounds, which)}))


def span(feature: Feature, bounds: list[float], which: int) -> str:
    """Span `which` of a feature's values in words."""
    if feature.bin_names:
        return feature.bin_names[which]
    low = bounds[which]
    high = bounds[which + 1] if which + 1 < len(bounds) else None
    if feature.unit in (Unit.TIMES, Unit.COUNT):
        return _counted_span(feature, low, high)
    if high is None:
        return f"{quantity(low, feature)} or more"
    if which == 0:
        return f"less than {quantity(high, feature)}"
    if quantity(low, feature) == quantity(high, feature):
        return f"about {quantity(high, feature)}"
    return f"{_bare(low, feature)} to {quantity(high, feature)}"


def quantity(value: float, feature: Feature, currency: str = "") -> str:
    """A value in its unit: "24 days", "twice", "41 %", "48 k"."""
    if math.isnan(value):
        return "not known"
    match feature.unit:
        case Unit.DAYS:
            return "less than a day" if value < 1 else _plural(math.floor(value), "day", "days")
        case Unit.TIMES:
            return {1: "once", 2: "twice"}.get(round(value), f"{round(value)}{NOBREAK}times")
        case Unit.COUNT:
            singular, plural = feature.noun
            return _plural(round(value), singular, plural)
        case Unit.SHARE:
            return percent(value)
        case Unit.RATIO:
            return f"{value:.1f}{NOBREAK}times"
        case Unit.MONEY:
            return money(value, currency)
        case Unit.POSITION:
            return f"{round(value)}"
        case Unit.NUMBER:
            return number(value)
        case Unit.FLAG:
            return "yes" if value else "no"


def percent(share: float) -> str:
    """62 %, never 61.87 %; below one in a hundred "under 1 %"."""
    if math.isnan(share):
        return "–"
    if 0 < share <= 0.005:
        return f"under{NOBREAK}1{NOBREAK}%"
    return f"{share * 100:.0f}{NOBREAK}%"


def number(value: float) -> str:
    """A number of no unit as people write it: 1,250, 12.5, 0.004."""
    if value == round(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.2g}" if abs(value) < 0.1 else f"{value:.2f}".rstrip("0").rstrip(".")


def points(change: float) -> str:
    """Probability points with their sign: "+4 points", "−9 points"."""
    rounded = round(change * 100)
    sign = "+" if rounded > 0 else "−" if rounded < 0 else "±"
    return f"{sign}{abs(rounded)}{NOBREAK}{'point' if abs(rounded) == 1 else 'points'}"


def money(amount: float, currency: str = "") -> str:
    """Short money as in lists: 950, 48 k, 1.2 M, 3.4 bn."""
    if math.isnan(amount):
        return "–"
    size = abs(amount)
    if size >= 999_950_000:
        short = f"{amount / 1e9:.1f}{NOBREAK}bn"
    elif size >= 999_500:
        short = f"{amount / 1e6:.1f}{NOBREAK}M"
    elif size >= 9_950:
        short = f"{amount / 1e3:.0f}{NOBREAK}k"
    elif size >= 999.5:
        short = f"{amount / 1e3:.1f}{NOBREAK}k"
    else:
        short = f"{amount:.0f}"
    return f"{currency}{NOBREAK}{short}" if currency else short


class _Facts(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return f"an unknown {key.replace('_', ' ')}"


def _is_zero(value: float, unit: Unit) -> bool:
    return 0 <= value < 1 if unit is Unit.DAYS else abs(value) < 0.005 if unit is Unit.SHARE else value == 0


def _plural(count: int, singular: str, plural: str) -> str:
    return f"{count:,}{NOBREAK}{singular if count == 1 else plural}"


def _counted_span(feature: Feature, low: float, high: float | None) -> str:
    first = max(math.ceil(low), 0)
    if high is None:
        return f"{quantity(first, feature)} or more"
    last = math.ceil(high) - 1
    if last <= first:
        return _none(feature) if first == 0 else quantity(first, feature)
    return f"{first} to {last}{NOBREAK}{'times' if feature.unit is Unit.TIMES else feature.noun[1]}"


def _none(feature: Feature) -> str:
    return "never" if feature.unit is Unit.TIMES else f"no{NOBREAK}{feature.noun[1]}"


def _bare(value: float, feature: Feature) -> str:
    if feature.unit is Unit.SHARE:
        return f"{value * 100:.0f}"
    if feature.unit is Unit.MONEY:
        return quantity(value, feature)  # "1.2 k to 1.5 M": each its own thousands
    return f"{value:.1f}" if feature.unit is Unit.RATIO else quantity(value, feature).split(NOBREAK)[0]
