"""Ship times as people write them, to UTC epoch milliseconds.

A column is read as a whole: one that fits only day-first or only month-first is read so, one that fits both is refused
with the two readings. Read are ISO 8601, day, month and year in figures, month names in English and French, compact
figures (20261123140500), Excel's serial days, and epoch seconds or milliseconds.

A time without a zone is local to the zone given. Where clocks go forward, a time that does not exist is read with the
offset from before the change; where they go back, the first of the two times counts, so that no ship time ends up
later than it was. A date alone means noon there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from batch.reading.calendar import FAMILIES, MONTHS, ORDERED, ZONES
from schemas.cells import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence
    from zoneinfo import ZoneInfo

NO_DATE = "this is no date that can be read; write it like 2026-11-23 or 2026-11-23 14:05"
TWO_DIGIT_YEAR = "the year has two digits only; write it with four, like 2026-11-23"
DAY_FIRST, MONTH_FIRST = "day-first", "month-first"

_ISO = (
    r"^(?:19|2[01])\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
    r"(?:[T ](?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,3})?)?Z?)?$"
)
_LATE = r"^\d{4}-\d\d-(?:29|3[01])"  # days that not every month has
_TWO_DIGITS = r"^\d{1,2}[-/. ]\d{1,2}[-/. ]\d{2}(?:\D|$)"
_DAY = 86_400_000  # ms
_NOON = _DAY // 2
_DATE_LENGTH = 10  # characters of 2026-11-23
_LOCAL = np.iinfo(np.int64).min  # in place of an offset: the time names no zone
_EXCEL_EPOCH = 25_569  # days from Excel's day 0 to 1970-01-01
_LIKELY_SERIALS = (40_000, 60_000)  # 2009 to 2064
_LIKELY_SECONDS = (1_230_768_000, 2_966_371_200)  # the same
_FIRST_YEAR, _LAST_YEAR = 1900, 2200
_HALF_DAY = 12  # hours


class AmbiguousDates(Exception):  # noqa: N818 - named by its meaning
    """A column of dates can be read in two ways. `position` is a cell that shows it, the message says how.

    `undecided`: it fits both, so that more rows of the same column may tell.
    """

    def __init__(self, position: int, reason: str, *, undecided: bool = False) -> None:
        self.position, self.undecided = position, undecided
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class DateRules:
    """What a profile says about its dates."""

    order: str = ""  # DAY_FIRST or MONTH_FIRST; "": found out
    formats: tuple[str, ...] = ()  # strptime's, tried before all others
    midnight_is_date: bool = False  # the export writes a date alone as midnight


@dataclass(frozen=True, slots=True)
class Dates:
    """A column of dates, read."""

    shipped_at: np.ndarray  # int64, UTC epoch milliseconds, 0 where absent or unreadable
    date_only: np.ndarray  # bool
    unreadable: dict[str, np.ndarray] = field(default_factory=dict)  # reason -> positions
    order: str = ""  # DAY_FIRST or MONTH_FIRST, where the column itself has told it


@dataclass(slots=True)
class _Reading:
    """The different texts of a column while they are read; arrays stand beside `texts`."""

    texts: pa.Array
    local: np.ndarray  # int64, wall clock in ms as if it were UTC
    offset: np.ndarray  # int64, ms east of UTC, or _LOCAL
    date_only: np.ndarray
    read: np.ndarray

    def left(self) -> np.ndarray:
        return np.flatnonzero(~self.read)

    def put(self, places: np.ndarray, local: np.ndarray, offset: np.ndarray, date_only: np.ndarray) -> None:
        self.local[places] = local
        self.offset[places] = offset
        self.date_only[places] = date_only
        self.read[places] = True


def read_dates(texts: pa.Array | pa.ChunkedArray, kinds: np.ndarray | None, rules: DateRules, zone: ZoneInfo) -> Dates:
    """Read a column of ship times. `kinds` are its cells' kinds, None for a text file; `zone` is for times without one.

    Raises AmbiguousDates where the column as a whole can be read in two ways.
    """
    encoded = pc.dictionary_encode(texts)
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    codes = np.asarray(encoded.indices)
    distinct = encoded.dictionary
    count = len(distinct)
    blank = np.asarray(pc.equal(distinct, ""))
    reading = _Reading(distinct, np.zeros(count, np.int64), np.full(count, _LOCAL), np.zeros(count, bool), blank.copy())
    _read_formats(reading, rules.formats)
    _read_iso(reading)
    _read_figures(reading)
    for family in FAMILIES:
        _read_family(reading, family)
    order = _read_ordered(reading, _Column(codes, kinds, rules.order))
    if rules.midnight_is_date:
        reading.date_only |= (reading.local % _DAY == 0) & (reading.offset == _LOCAL) & reading.read & ~blank
    instants = _instants(reading, blank, zone)
    return Dates(instants[codes], (reading.date_only & ~blank)[codes], _unreadable(reading, codes), order)


@dataclass(frozen=True, slots=True)
class _Column:
    """How the distinct texts lie in the column, to find and name a cell."""

    codes: np.ndarray  # position -> index of its text
    kinds: np.ndarray | None
    order: str

    def position(self, code: int) -> int:
        return int(np.argmax(self.codes == code))

    def codes_stored_as_dates(self) -> np.ndarray:
        return np.unique(self.codes[self.kinds == Kind.DATE]) if self.kinds is not None else np.empty(0, np.int64)


def _unreadable(reading: _Reading, codes: np.ndarray) -> dict[str, np.ndarray]:
    if reading.read.all():
        return {}
    short_year = np.asarray(pc.match_substring_regex(reading.texts, _TWO_DIGITS)) & ~reading.read
    reasons = {TWO_DIGIT_YEAR: np.flatnonzero(short_year[codes])}
    reasons[NO_DATE] = np.flatnonzero((~reading.read & ~short_year)[codes])
    return {reason: positions for reason, positions in reasons.items() if len(positions)}


def _read_formats(reading: _Reading, formats: Sequence[str]) -> None:
    """Read by the profile's own formats."""
    for pattern in formats:
        places = reading.left()
        texts = pd.Series(reading.texts.take(pa.array(places)).to_pylist(), dtype="object")
        stamps = pd.to_datetime(texts, format=pattern, errors="coerce").astype("datetime64[ms]")
        fits = stamps.notna().to_numpy()
        timed = any(sign in pattern for sign in ("%H", "%I"))
        local = stamps[fits].astype(np.int64).to_numpy()
        reading.put(places[fits], local, np.full(len(local), _LOCAL), np.full(len(local), not timed))


def _read_iso(reading: _Reading) -> None:
    """Read plain ISO 8601 at once: the usual case, and the fast one."""
    places = reading.left()
    texts = reading.texts.take(pa.array(places))
    iso = np.asarray(pc.match_substring_regex(texts, _ISO))
    iso[_not_there(texts, iso)] = False  # named one by one below
    places, texts = places[iso], texts.filter(pa.array(iso))
    utc = np.asarray(pc.ends_with(texts, "Z"))
    plain = pc.utf8_rtrim(texts, characters="Z")
    local = np.asarray(pc.cast(plain, pa.timestamp("ms")).cast(pa.int64()))
    date_only = np.asarray(pc.equal(pc.binary_length(texts), _DATE_LENGTH))
    reading.put(places, local, np.where(utc, 0, _LOCAL), date_only)


def _not_there(texts: pa.Array, iso: np.ndarray) -> np.ndarray:
    """Return which of the plain ISO dates are days that their month does not have."""
    late = np.flatnonzero(iso)
    late = late[np.asarray(pc.match_substring_regex(texts.take(pa.array(late)), _LATE))]
    days = texts.take(pa.array(late))
    parts = [_number(pc.utf8_slice_codeunits(days, start, stop)) for start, stop in ((0, 4), (5, 7), (8, 10))]
    return np.asarray(late[~_days(*parts)[1]])


def _read_figures(reading: _Reading) -> None:
    """Read Excel's serial days, and epoch seconds and milliseconds: figures alone, within likely bounds."""
    places = reading.left()
    texts = reading.texts.take(pa.array(places))
    figures = np.asarray(pc.match_substring_regex(texts, r"^(?:\d{5}(?:\.\d{1,12})?|\d{10}|\d{13})$"))
    places = places[figures]
    values = np.asarray(pc.cast(texts.filter(pa.array(figures)), pa.float64()))
    serial = (values >= _LIKELY_SERIALS[0]) & (values < _LIKELY_SERIALS[1])
    seconds = (values >= _LIKELY_SECONDS[0]) & (values < _LIKELY_SECONDS[1])
    milliseconds = (values >= _LIKELY_SECONDS[0] * 1000) & (values < _LIKELY_SECONDS[1] * 1000)
    days = np.round((values[serial] - _EXCEL_EPOCH) * _DAY / 1000) * 1000  # Excel keeps no more than seconds
    whole = values[serial] == np.floor(values[serial])
    reading.put(places[serial], days.astype(np.int64), np.full(serial.sum(), _LOCAL), whole)
    for scale, chosen in ((1000, seconds), (1, milliseconds)):
        instants = (values[chosen] * scale).astype(np.int64)
        reading.put(places[chosen], instants, np.zeros(len(instants), np.int64), np.zeros(len(instants), bool))


def _read_family(reading: _Reading, pattern: str) -> None:
    places, parts = _parts(reading, pattern)
    if len(places):
        months = _months(parts) if "name" in parts else _number(parts["m"])
        _put(reading, places, parts, (_number(parts["y"]), months, _number(parts["d"])))


def _parts(reading: _Reading, pattern: str) -> tuple[np.ndarray, dict[str, pa.Array]]:
    """Return the places of the texts that fit the pattern, and its named parts beside them."""
    places = reading.left()
    found = pc.extract_regex(reading.texts.take(pa.array(places)), pattern)
    fits = np.asarray(pc.is_valid(found))
    found = found.filter(pa.array(fits))
    names = [found.type.field(index).name for index in range(found.type.num_fields)]
    return places[fits], {name: pc.struct_field(found, name) for name in names}


def _number(texts: pa.Array) -> np.ndarray:
    """Return figures as int64, 0 for a part that is absent."""
    return np.asarray(pc.cast(pc.if_else(pc.equal(texts, ""), "0", texts), pa.int64()))


def _months(parts: dict[str, pa.Array]) -> np.ndarray:
    names = [name.rstrip(".").casefold() for name in parts["name"].to_pylist()]
    return np.fromiter((MONTHS.get(name, 0) for name in names), dtype=np.int64, count=len(names))


def _days(years: np.ndarray, months: np.ndarray, days: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return days since 1970, and which of them exist."""
    likely = (years >= _FIRST_YEAR) & (years <= _LAST_YEAR) & (months >= 1) & (months <= _HALF_DAY) & (days >= 1)
    month = np.where(likely, (years - 1970) * 12 + months - 1, 0).astype("datetime64[M]")
    day = month.astype("datetime64[D]") + np.where(likely, days - 1, 0).astype("timedelta64[D]")
    return day.astype(np.int64), likely & (day.astype("datetime64[M]") == month)


def _put(
    reading: _Reading,
    places: np.ndarray,
    parts: dict[str, pa.Array],
    date: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    """Note what was read: date, time of day and zone; what does not exist stays unread."""
    days, exist = _days(*date)
    time, timed, possible = _time(parts)
    offset, known = _offsets(parts)
    good = exist & possible & known
    reading.put(places[good], (days * _DAY + time)[good], offset[good], ~timed[good])


def _time(parts: dict[str, pa.Array]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the time of day in ms, whether there is one, and whether it exists."""
    hours, minutes, seconds = (_number(parts[name]) for name in ("h", "mi", "s"))
    timed = np.asarray(pc.not_equal(parts["h"], ""))
    half = pc.utf8_lower(pc.utf8_slice_codeunits(parts["ap"], 0, 1)) if "ap" in parts else None
    if half is not None:
        halved = np.asarray(pc.not_equal(half, ""))
        possible = ~halved | ((hours >= 1) & (hours <= _HALF_DAY))
        hours = np.where(halved, hours % _HALF_DAY + np.where(np.asarray(pc.equal(half, "p")), _HALF_DAY, 0), hours)
    else:
        possible = np.ones(len(hours), dtype=bool)
    possible &= (hours <= 23) & (minutes <= 59) & (seconds <= 59)  # noqa: PLR2004 - the clock's own
    return ((hours * 60 + minutes) * 60 + seconds) * 1000, timed, possible


def _offsets(parts: dict[str, pa.Array]) -> tuple[np.ndarray, np.ndarray]:
    """Return the offsets from UTC in ms, `_LOCAL` for none, and whether each is known."""
    zones = pc.dictionary_encode(parts["z"])
    named = [ZONES.offset(name) for name in zones.dictionary.to_pylist()]
    values = np.array([_LOCAL if offset is None else offset * 60_000 for offset in named] or [0], dtype=np.int64)
    known = np.array(
        [offset is not None or name == "" for offset, name in zip(named, zones.dictionary.to_pylist(), strict=True)]
        or [True]
    )
    codes = np.asarray(zones.indices)
    return values[codes], known[codes]


def _read_ordered(reading: _Reading, column: _Column) -> str:
    """Read dates in figures whose day and month stand in an order that only the whole column tells.

    Returns that order, "" where it is not the column that told it.
    """
    places, parts = _parts(reading, ORDERED)
    if not len(places):
        return ""
    first, second, years = (_number(parts[name]) for name in ("a", "b", "y"))
    day_first, month_first = _days(years, second, first)[1], _days(years, first, second)[1]
    _refuse_swapped(reading, column, places[day_first | month_first], parts)
    told = "" if column.order else _order(reading, column, places, day_first, month_first, first == second)
    month_leads = (column.order or told) == MONTH_FIRST
    _put(reading, places, parts, (years, first, second) if month_leads else (years, second, first))
    return told


def _order(
    reading: _Reading,
    column: _Column,
    places: np.ndarray,
    day_first: np.ndarray,
    month_first: np.ndarray,
    same: np.ndarray,
) -> str:
    """Return the one order that the column fits, "" where it makes no difference, or refuse it."""
    only_day, only_month = day_first & ~month_first, month_first & ~day_first
    if only_day.any() and only_month.any():
        one, other = (reading.texts[int(places[np.argmax(which)])].as_py() for which in (only_day, only_month))
        raise AmbiguousDates(
            column.position(int(places[np.argmax(only_month)])),
            f'the column mixes day-first and month-first dates ("{one}" and "{other}"); write them like 2026-11-23',
        )
    either = day_first & month_first & ~same
    if either.any() and not only_day.any() and not only_month.any():
        code = int(places[np.argmax(either)])
        raise AmbiguousDates(column.position(code), _both(reading.texts[code].as_py()), undecided=True)
    return MONTH_FIRST if only_month.any() else DAY_FIRST if only_day.any() else ""


def _both(text: str) -> str:
    """Return the sentence part with both readings of a date such as 03/04/2026."""
    first, second, year = (int(part) for part in _figures(text))
    day_first, month_first = datetime(year, second, first, tzinfo=UTC), datetime(year, first, second, tzinfo=UTC)
    return (
        f'"{text}" is {_spelt(day_first)} if the day comes first and {_spelt(month_first)} if the month does, '
        "and no date of the column tells which; write dates like 2026-11-23, or say in a profile "
        f'[dates] order = "{DAY_FIRST}" or "{MONTH_FIRST}"'
    )


def _figures(text: str) -> list[str]:
    return "".join(letter if letter.isdigit() else " " for letter in text).split()[:3]


def _spelt(date: datetime) -> str:
    return f"{date.day} {date:%B} {date.year}"


def _refuse_swapped(reading: _Reading, column: _Column, places: np.ndarray, parts: dict[str, Any]) -> None:
    """Refuse a column of real dates and of dates left as text: Excel has swapped day and month in the real ones.

    Excel turns 03/11/2026 into a date by the order of its own language, and leaves 25/11/2026 as text.
    """
    stored = column.codes_stored_as_dates()
    if not len(places) or not len(stored) or not len(parts):
        return
    days = (reading.local[stored] // _DAY).astype("datetime64[D]")
    day_of_month = (days - days.astype("datetime64[M]")).astype(np.int64) + 1
    if (day_of_month <= _HALF_DAY).any():
        text = reading.texts[int(places[0])].as_py()
        raise AmbiguousDates(
            column.position(int(places[0])),
            f'the column mixes real dates with dates that Excel left as text ("{text}"), so day and month may be '
            "swapped in the real ones; export the column as text, or as 2026-11-23",
        )


def _instants(reading: _Reading, blank: np.ndarray, zone: ZoneInfo) -> np.ndarray:
    """Return the UTC instants in ms, 0 for what was not read."""
    local = np.where(reading.date_only, reading.local // _DAY * _DAY + _NOON, reading.local)
    local_time = reading.offset == _LOCAL
    instants = np.where(local_time, 0, local - np.where(local_time, 0, reading.offset))
    here = np.flatnonzero(local_time & reading.read & ~blank)
    instants[here] = _to_utc(local[here], zone)
    return np.where(reading.read & ~blank, instants, 0)


def _to_utc(local: np.ndarray, zone: ZoneInfo) -> np.ndarray:
    """Turn wall clock ms into UTC ms; in a gap by the offset before it, in an overlap the first of the two."""
    stamps = pd.DatetimeIndex(local.astype("datetime64[ms]")).tz_localize(zone, ambiguous="NaT", nonexistent="NaT")
    instants = stamps.as_unit("ms").asi8.copy()
    for place in np.flatnonzero(stamps.isna()):
        wall = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(local[place]))
        instants[place] = round(wall.replace(tzinfo=zone, fold=0).timestamp() * 1000)
    return instants
