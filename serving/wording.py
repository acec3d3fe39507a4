"""How people read a feature's value: sentences, spans, money, days."""

from __future__ import annotations

import math
from collections.abc import Mapping

from features.feature import Feature, Unit
from serving.formats import HOUSE, NOBREAK, Formats

percent, number, money = HOUSE.percent, HOUSE.number, HOUSE.money


def sentence(feature: Feature, value: float, facts: Mapping[str, str], formats: Formats = HOUSE) -> str:
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
    said = quantity(abs(value), feature, facts.get("currency", ""), formats)
    spoken = text.format_map(_Facts({**facts, "value": said}))
    return spoken[:1].upper() + spoken[1:]


def peers(feature: Feature, bounds: list[float], which: int, facts: Mapping[str, str], formats: Formats = HOUSE) -> str:
    """The deals whose value lies in span `which` of `bounds`, in words: "deals put off 3 times or more"."""
    return feature.wording.peers.format_map(_Facts({**facts, "bin": span(feature, bounds, which, formats)}))


def span(feature: Feature, bounds: list[float], which: int, formats: Formats = HOUSE) -> str:
    """Span `which` of a feature's values in words."""
    if feature.bin_names:
        return feature.bin_names[which]
    low = bounds[which]
    high = bounds[which + 1] if which + 1 < len(bounds) else None
    if feature.unit in (Unit.TIMES, Unit.COUNT):
        return _counted_span(feature, low, high, formats)
    if high is None:
        return f"{quantity(low, feature, '', formats)} or more"
    upper = quantity(high, feature, "", formats)
    if which == 0:
        return f"less than {upper}"
    if quantity(low, feature, "", formats) == upper:
        return f"about {upper}"
    return f"{_bare(low, feature, formats)} to {upper}"


def quantity(value: float, feature: Feature, currency: str = "", formats: Formats = HOUSE) -> str:
    """A value in its unit: "24 days", "twice", "41 %", "48 k"."""
    if math.isnan(value):
        return "not known"
    match feature.unit:
        case Unit.DAYS:
            return "less than a day" if value < 1 else _plural(math.floor(value), ("day", "days"), formats)
        case Unit.TIMES:
            return {1: "once", 2: "twice"}.get(round(value), f"{formats.count(round(value))}{NOBREAK}times")
        case Unit.COUNT:
            return _plural(round(value), feature.noun, formats)
        case Unit.SHARE:
            return formats.percent(value)
        case Unit.RATIO:
            return f"{formats.decimal(value, 1)}{NOBREAK}times"
        case Unit.MONEY:
            return formats.money(value, currency)
        case Unit.POSITION:
            return f"{round(value)}"
        case Unit.NUMBER:
            return formats.number(value)
        case Unit.FLAG:
            return "yes" if value else "no"


def points(change: float) -> str:
    """Probability points with their sign: "+4 points", "−9 points"."""
    rounded = round(change * 100)
    sign = "+" if rounded > 0 else "−" if rounded < 0 else "±"
    return f"{sign}{abs(rounded)}{NOBREAK}{'point' if abs(rounded) == 1 else 'points'}"


class _Facts(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return f"an unknown {key.replace('_', ' ')}"


def _is_zero(value: float, unit: Unit) -> bool:
    return 0 <= value < 1 if unit is Unit.DAYS else abs(value) < 0.005 if unit is Unit.SHARE else value == 0


def _plural(count: int, noun: tuple[str, str], formats: Formats) -> str:
    return f"{formats.count(count)}{NOBREAK}{noun[0] if count == 1 else noun[1]}"


def _counted_span(feature: Feature, low: float, high: float | None, formats: Formats) -> str:
    first = max(math.ceil(low), 0)
    if high is None:
        return f"{quantity(first, feature, '', formats)} or more"
    last = math.ceil(high) - 1
    if last <= first:
        return _none(feature) if first == 0 else quantity(first, feature, "", formats)
    noun = "times" if feature.unit is Unit.TIMES else feature.noun[1]
    return f"{formats.count(first)} to {formats.count(last)}{NOBREAK}{noun}"


def _none(feature: Feature) -> str:
    return "never" if feature.unit is Unit.TIMES else f"no{NOBREAK}{feature.noun[1]}"


def _bare(value: float, feature: Feature, formats: Formats) -> str:
    if feature.unit is Unit.SHARE:
        return formats.count(round(value * 100))
    if feature.unit is Unit.MONEY:
        return quantity(value, feature, "", formats)  # "1.2 k to 1.5 M": each its own thousands
    if feature.unit is Unit.RATIO:
        return formats.decimal(value, 1)
    return quantity(value, feature, "", formats).rsplit(NOBREAK, 1)[0]
