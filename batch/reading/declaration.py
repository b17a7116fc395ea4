"""A profile: the declaration of how one kind of export maps to shipment columns, read from TOML."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from batch.errors import SettingsError
from batch.reading.dates import DAY_FIRST, MONTH_FIRST, DateRules
from batch.reading.headers import normalised_header
from schemas.shipment import SHIPMENT_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Mapping

_KEYS = {
    "name",
    "title",
    "source",
    "known_by",
    "needs",
    "last",
    "columns",
    "instead",
    "constants",
    "values",
    "dates",
    "skip",
}
_DATE_KEYS = {"order", "formats", "zone", "midnight", "absent"}
_INSTEAD_KEYS = {"values", "headers"}
_SKIP_KEYS = {"columns", "values", "reason"}
_NEEDS = (("purchase_order_id", "customer_order_id"), ("tracking_number",), ("ship_date_time",))

Names = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Skip:
    """Rows that are no shipment: one of the columns holds one of the values."""

    columns: Names  # headers
    values: frozenset[str]  # in their compared form
    reason: str


@dataclass(frozen=True, slots=True)
class Instead:
    """Where a cell holds one of the values, the cell under the first of the headers that is there is read instead."""

    values: frozenset[str]  # in their compared form; "" for a blank cell
    headers: Names


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """How one kind of export is known, and how its columns map to shipment columns."""

    name: str
    title: str
    source: str = ""  # where its headers were seen
    known_by: Names = ()  # headers that must all be there, beside the needed columns
    needs: tuple[Names, ...] = _NEEDS  # of each group of shipment columns one must be found
    columns: Mapping[str, tuple[Names, ...]] = field(default_factory=dict)  # groups of headers, first choice first
    instead: Mapping[str, Instead] = field(default_factory=dict)  # shipment column -> where else to look
    constants: Mapping[str, str] = field(default_factory=dict)  # column -> text, where no header stands for it
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # column -> the file's value -> ours
    dates: DateRules = field(default_factory=DateRules)
    undated_is_now: bool = False  # a file without ship times tells what is shipped now
    zone: str = ""  # of times that name none; "": the one in the settings
    skips: tuple[Skip, ...] = ()
    own: bool = False  # the seller's own: goes first
    last: bool = False  # tried only where no other fits

    @property
    def headers(self) -> frozenset[str]:
        """All headers that it knows, in their compared form."""
        mapped = (header for groups in self.columns.values() for group in groups for header in group)
        others = (header for instead in self.instead.values() for header in instead.headers)
        return frozenset(map(normalised_header, (*mapped, *others, *self.known_by)))

    def header_for(self, column: str) -> str:
        """Return the header that a person would write for a shipment column."""
        groups = self.columns.get(column, ())
        return groups[0][0] if groups else column


def compared(value: str) -> str:
    """Return a value as value maps and void markers compare it."""
    return " ".join(value.split()).casefold()


def parse_profile(text: str, origin: str, *, own: bool) -> Profile:
    """Return the profile declared in TOML; raise SettingsError with all its mistakes, each naming `origin`."""
    try:
        declared = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError([f"{origin}: no valid TOML ({error})"]) from None
    if problems := [f"{origin}: {problem}" for problem in _problems(declared)]:
        raise SettingsError(problems)
    dates = declared.get("dates", {})
    return Profile(
        name=declared["name"],
        title=declared.get("title", declared["name"]),
        source=declared.get("source", ""),
        known_by=tuple(declared.get("known_by", ())),
        needs=tuple(tuple(group.split("|")) for group in declared.get("needs", ())) or _NEEDS,
        columns={column: _groups(headers) for column, headers in declared["columns"].items()},
        instead={
            column: Instead(frozenset(map(compared, instead["values"])), tuple(instead["headers"]))
            for column, instead in declared.get("instead", {}).items()
        },
        constants=declared.get("constants", {}),
        values=_compared_values(declared.get("values", {})),
        dates=DateRules(dates.get("order", ""), tuple(dates.get("formats", ())), dates.get("midnight") == "date"),
        undated_is_now=dates.get("absent") == "now",
        zone=dates.get("zone", ""),
        skips=tuple(
            Skip(tuple(skip["columns"]), frozenset(map(compared, skip["values"])), skip["reason"])
            for skip in declared.get("skip", ())
        ),
        own=own,
        last=declared.get("last", False),
    )


def _groups(headers: list[str | list[str]]) -> tuple[Names, ...]:
    return tuple((entry,) if isinstance(entry, str) else tuple(entry) for entry in headers)


def _compared_values(values: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
    return {column: {compared(key): value for key, value in pairs.items()} for column, pairs in values.items()}


def _problems(declared: dict[str, Any]) -> list[str]:
    """Return everything that is wrong with a declaration."""
    problems = [f"'{key}' is no key of a profile" for key in sorted(declared.keys() - _KEYS)]
    if not isinstance(declared.get("name"), str) or not declared["name"].strip():
        problems.append("name: a profile needs a name")
    problems += [f"{key}: must be text" for key in ("title", "source") if not isinstance(declared.get(key, ""), str)]
    if not isinstance(declared.get("last", False), bool):
        problems.append("last: must be true or false")
    if not _is_texts(declared.get("known_by", [])):
        problems.append("known_by: must be a list of headers")
    problems += _column_problems(declared.get("columns"))
    problems += _need_problems(declared.get("needs", []))
    problems += _instead_problems(declared.get("instead", {}))
    problems += _mapping_problems("constants", declared.get("constants", {}))
    problems += _value_problems(declared.get("values", {}))
    return problems + _date_problems(declared.get("dates", {})) + _skip_problems(declared.get("skip", []))


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) and item.strip() for item in value)


def _unknown(key: str, columns: object) -> list[str]:
    known = set(SHIPMENT_COLUMNS)
    names = columns if isinstance(columns, dict | list | set) else []
    return [f"{key}: '{column}' is no shipment column" for column in names if column not in known]


def _column_problems(columns: object) -> list[str]:
    if not isinstance(columns, dict) or not columns:
        return ["columns: a profile needs a table [columns], from shipment columns to headers"]
    problems = _unknown("columns", columns)
    for column, headers in columns.items():
        entries = headers if isinstance(headers, list) and headers else [0]
        if not all((isinstance(entry, str) and entry.strip()) or (_is_texts(entry) and entry) for entry in entries):
            problems.append(f"columns.{column}: must be a list of headers, or of lists of them")
    return problems


def _need_problems(needs: object) -> list[str]:
    if not _is_texts(needs):
        return ["needs: must be a list of shipment columns, such as 'purchase_order_id|customer_order_id'"]
    return _unknown("needs", {column for group in needs for column in group.split("|")})  # type: ignore[attr-defined] # a list, as just seen


def _instead_problems(instead: object) -> list[str]:
    if not isinstance(instead, dict):
        return ["instead: must be tables, one for each shipment column"]
    problems = _unknown("instead", instead)
    for column, rule in instead.items():
        if not isinstance(rule, dict) or set(rule) != _INSTEAD_KEYS or not _is_texts(rule["headers"]):
            problems.append(f"instead.{column}: needs values and headers, both lists of text, and nothing else")
        elif not isinstance(rule["values"], list) or not all(isinstance(value, str) for value in rule["values"]):
            problems.append(f"instead.{column}: values must be a list of text")
    return problems


def _mapping_problems(key: str, pairs: object) -> list[str]:
    if not isinstance(pairs, dict) or not all(isinstance(value, str) for value in pairs.values()):
        return [f"{key}: must map names to text"]
    return _unknown(key, pairs) if key == "constants" else []


def _value_problems(values: object) -> list[str]:
    if not isinstance(values, dict):
        return ["values: must be tables, one for each shipment column"]
    problems = _unknown("values", values)
    for column, pairs in values.items():
        problems += _mapping_problems(f"values.{column}", pairs)
    return problems


def _date_problems(dates: object) -> list[str]:
    if not isinstance(dates, dict):
        return ["dates: must be a table"]
    problems = [f"dates: '{key}' is no key" for key in sorted(dates.keys() - _DATE_KEYS)]
    if dates.get("order", DAY_FIRST) not in (DAY_FIRST, MONTH_FIRST):
        problems.append(f'dates.order: must be "{DAY_FIRST}" or "{MONTH_FIRST}"')
    formats = dates.get("formats", [])
    if not _is_texts(formats) or any(sign in pattern for pattern in formats for sign in ("%z", "%Z")):
        problems.append("dates.formats: must be a list of formats such as '%d.%m.%Y %H:%M', without a zone")
    if dates.get("midnight", "date") not in ("date", "time"):
        problems.append('dates.midnight: must be "date" or "time"')
    if dates.get("absent", "now") != "now":
        problems.append('dates.absent: can only be "now"')
    if not _is_zone(dates.get("zone", "UTC")):
        problems.append("dates.zone: no time zone; write it like America/Toronto")
    return problems


def _is_zone(name: object) -> bool:
    try:
        return isinstance(name, str) and bool(ZoneInfo(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False


def _skip_problems(skips: object) -> list[str]:
    if not isinstance(skips, list):
        return ["skip: write each rule under [[skip]]"]
    problems = []
    for skip in skips:
        if not isinstance(skip, dict) or set(skip) != _SKIP_KEYS:
            problems.append("skip: each rule needs columns, values and reason, and nothing else")
        elif not (_is_texts(skip["columns"]) and _is_texts(skip["values"]) and isinstance(skip["reason"], str)):
            problems.append("skip: columns and values are lists of text, reason is a sentence")
    return problems
