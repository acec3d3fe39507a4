"""How numbers, money and days are written: as the house does, or by the rules of a locale (Unicode CLDR)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.numbers import (
    format_compact_currency,
    format_compact_decimal,
    format_currency,
    format_decimal,
    format_percent,
)

from crm.errors import WrongUse

NOBREAK = "\u00a0"
NOTHING = "–"


@dataclass(frozen=True)
class Formats:
    """One way of writing figures.

    :param locale: "de-DE", "en_GB" …; empty: the house's, which is English with ISO days.
    """

    locale: str = ""

    @cached_property
    def _rules(self) -> Locale:
        return Locale.parse(self.locale.replace("-", "_"))

    def count(self, number: int) -> str:
        """A whole number: 1,250."""
        return format_decimal(number, locale=self._rules) if self.locale else f"{number:,}"

    def decimal(self, number: float, places: int) -> str:
        """A number with so many decimal places: 2.0."""
        if self.locale:
            return str(format_decimal(number, f"#,##0.{'0' * places}", locale=self._rules))
        return f"{number:,.{places}f}"

    def percent(self, share: float) -> str:
        """62 %, never 61.87 %; below one in a hundred "under 1 %"."""
        if math.isnan(share):
            return NOTHING
        if 0 < share <= 0.005:
            return f"under{NOBREAK}{self.percent(0.01)}"
        if self.locale:
            return str(format_percent(round(share, 2), locale=self._rules))
        return f"{share * 100:.0f}{NOBREAK}%"

    def number(self, value: float) -> str:
        """A number of no unit as people write it: 1,250, 12.5, 0.004."""
        if value == round(value) or abs(value) >= 100:
            return self.decimal(value, 0) if not self.locale else str(format_decimal(round(value), locale=self._rules))
        if self.locale:
            return str(format_decimal(value, "#,##0.####" if abs(value) < 0.1 else "#,##0.##", locale=self._rules))
        return f"{value:.2g}" if abs(value) < 0.1 else f"{value:.2f}".rstrip("0").rstrip(".")

    def money(self, amount: float, currency: str = "") -> str:
        """Short money as in lists: 950, 48 k, 1.2 M, 3.4 bn."""
        if math.isnan(amount):
            return NOTHING
        if self.locale:
            return self._money_there(amount, currency)
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

    def exact_money(self, amount: float, currency: str = "") -> str:
        """An amount to the unit: 237,000, EUR 237,000."""
        if math.isnan(amount):
            return NOTHING
        if self.locale and currency:
            whole = self._rules.currency_formats["standard"].pattern.replace(".00", "")
            return str(format_currency(round(amount), currency, whole, locale=self._rules, currency_digits=False))
        said = self.count(round(amount))
        return f"{currency}{NOBREAK}{said}" if currency else said

    def day(self, day: date) -> str:
        """A day: 2026-11-15, 15.11.2026."""
        return str(format_date(day, "medium", locale=self._rules)) if self.locale else f"{day:%Y-%m-%d}"

    def _money_there(self, amount: float, currency: str) -> str:
        size, rules = abs(amount), self._rules
        places = 0 if size < 999.5 or 9_950 <= size < 999_500 else 1
        near = round(amount, -3 if 9_950 <= size < 999_500 else -2 if 999.5 <= size < 9_950 else 0)
        short = format_compact_decimal(near, locale=rules, fraction_digits=places)
        if short == str(int(near)):  # the locale has no short form of its own for thousands
            whole = rules.currency_formats["standard"].pattern.replace(".00", "")
            if currency:
                return str(format_currency(near, currency, whole, locale=rules, currency_digits=False))
            return str(format_decimal(near, locale=rules))
        if currency:
            return str(format_compact_currency(near, currency, locale=rules, fraction_digits=places))
        return str(short)


HOUSE = Formats()


def formats_of(locale: str) -> Formats:
    """The ways of a locale, the house's where it is empty. Raises WrongUse where there is none of that name."""
    if not locale:
        return HOUSE
    try:
        Locale.parse(locale.replace("-", "_"))
    except (UnknownLocaleError, ValueError) as error:
        raise WrongUse(
            f"{locale!r} is no locale that is known",
            where="[display] locale",
            expected='a language with or without a country, such as "de" or "en-GB"',
        ) from error
    return Formats(locale)
