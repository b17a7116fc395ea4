"""Words and shapes of dates: month names in English and French, zone names of Canada, and the patterns of each family.

The patterns are RE2's (pyarrow). Their parts: y m d, h mi s, ap (AM or PM), z (zone), name (of a month), a b (day and
month in an order that the column tells).
"""

from __future__ import annotations

import re

_NAMES = {
    1: "january jan janvier janv",
    2: "february feb février fevrier févr fevr fév fev",
    3: "march mar mars",
    4: "april apr avril avr",
    5: "may mai",
    6: "june jun juin",
    7: "july jul juillet juil",
    8: "august aug août aout",
    9: "september sept sep septembre",
    10: "october oct octobre",
    11: "november nov novembre",
    12: "december dec décembre decembre déc",
}
MONTHS = {name: month for month, names in _NAMES.items() for name in names.split()}

_WEEKDAYS = (
    "monday|tuesday|wednesday|thursday|friday|saturday|sunday|mon|tues?|wed|thur?s?|fri|sat|sun|"
    "lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche|lun|mar|mer|jeu|ven|sam|dim"
)
_ZONE = r"Z|(?:UTC|GMT)?[+-]\d{2}:?\d{2}|(?:UTC|GMT)?[+-]\d{2}|[A-Z]{3,4}"
_TIME = (
    r"(?:(?:T|,? +(?:at +|à +)?)(?P<h>\d{1,2})(?: ?[:hH] ?(?P<mi>\d{2})(?::(?P<s>\d{2})(?:[.,]\d{1,9})?)?| ?[hH])"
    rf" ?(?P<ap>[AaPp]\.?[Mm]\.?)? ?(?P<z>{_ZONE})?)?$"
)
_WEEKDAY = rf"^(?i:(?:{_WEEKDAYS})\.?,? +)?"

ORDERED = r"^(?P<a>\d{1,2})[-/. ](?P<b>\d{1,2})[-/. ](?P<y>\d{4})" + _TIME

FAMILIES = (
    r"^(?P<y>\d{4})[-/. ](?P<m>\d{1,2})[-/. ](?P<d>\d{1,2})" + _TIME,
    r"^(?P<y>20\d\d)(?P<m>\d\d)(?P<d>\d\d)(?:[T ]?(?P<h>\d\d)(?P<mi>\d\d)(?P<s>\d\d)?)?(?P<z>Z)?$",
    _WEEKDAY + r"(?P<d>\d{1,2})(?:er|st|nd|rd|th)?[-/. ]+(?P<name>\p{L}+\.?)[-/., ]+(?P<y>\d{4})" + _TIME,
    _WEEKDAY + r"(?P<name>\p{L}+\.?)[-. ]+(?P<d>\d{1,2})(?:st|nd|rd|th)?,?[- ]+(?P<y>\d{4})" + _TIME,
)

_FURTHEST = 14  # hours from UTC, of all zones on earth
_OFFSET = re.compile(r"(?:UTC|GMT)?([+-])(\d{2}):?(\d{2})?")


class _Zones:
    """Zone names with their offsets, those of Canada in English and French."""

    _HOURS = (
        (0.0, "Z UTC GMT"),
        (-2.5, "NDT HAT"),
        (-3.0, "ADT HAA"),
        (-3.5, "NST HNT"),
        (-4.0, "AST HNA EDT HAE"),
        (-5.0, "EST HNE CDT HAC"),
        (-6.0, "CST HNC MDT HAR"),
        (-7.0, "MST HNR PDT HAP"),
        (-8.0, "PST HNP"),
    )

    def __init__(self) -> None:
        self._minutes = {name: round(hours * 60) for hours, names in self._HOURS for name in names.split()}

    def offset(self, name: str) -> int | None:
        """Return the zone's minutes east of UTC, None for one that is not known."""
        if match := _OFFSET.fullmatch(name):
            hours, minutes = int(match[2]), int(match[3] or 0)
            if hours > _FURTHEST or minutes > 59:  # noqa: PLR2004 - the clock's own
                return None
            minutes += hours * 60
            return -minutes if match[1] == "-" else minutes
        return self._minutes.get(name)


ZONES = _Zones()
