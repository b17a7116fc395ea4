"""The profiles there are, and which of them a table is by."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING

from batch.errors import SettingsError, UnreadableFile, UsageError
from batch.reading.declaration import Profile, parse_profile
from batch.reading.fitting import Fit, fit, wanted
from batch.reading.shipments import Shipments, to_shipment_columns

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from batch.reading.table import Table

__all__ = ["Profile", "Shipments", "load_profiles", "match", "to_shipment_columns", "vocabulary"]

_MOST_NAMED = 40  # headers in a sentence
_LONGEST_NAMED = 40  # characters of each
_DRAFT = "`shipbatch profiles new FILE` drafts a profile of your own."


def load_profiles(folder: Path | None = None) -> tuple[Profile, ...]:
    """Return the seller's own profiles in `folder`, by name, then those shipped with us.

    Raises SettingsError with every mistake in the seller's own; a folder that is not there holds none.
    """
    own, problems = [], []
    for path in sorted(folder.glob("*.toml")) if folder is not None and folder.is_dir() else ():
        try:
            own.append(parse_profile(path.read_text(encoding="utf-8-sig"), str(path), own=True))
        except SettingsError as error:
            problems += error.problems
        except (OSError, UnicodeDecodeError) as error:
            problems.append(f"{path}: cannot be read ({error})")
    names = [profile.name for profile in own]
    twice = sorted({name for name in names if names.count(name) > 1})
    problems += [f"{folder}: two profiles have the name '{name}'" for name in twice]
    if problems:
        raise SettingsError(problems)
    return (*own, *(profile for profile in _shipped() if profile.name not in names))


@lru_cache(maxsize=1)
def _shipped() -> tuple[Profile, ...]:
    folder = resources.files("schemas") / "profiles"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".toml")), key=lambda file: file.name)
    return tuple(parse_profile(file.read_text(encoding="utf-8"), file.name, own=False) for file in files)


def vocabulary(profiles: Sequence[Profile]) -> frozenset[str]:
    """Return every header that the profiles know, in its compared form: what `read_tables` finds headers by."""
    return frozenset().union(*(profile.headers for profile in profiles))


def match(table: Table, profiles: Sequence[Profile], name: str | None = None) -> Profile:
    """Return the one profile that fits the table best; `name` allows that one only.

    The seller's own go before ours, and those marked `last` behind all. Raises UnreadableFile where none fits or two
    fit equally well, and UsageError for a name that no profile has.
    """
    if name is not None and all(profile.name != name for profile in profiles):
        names = ", ".join(sorted(profile.name for profile in profiles))
        raise UsageError(f"there is no profile '{name}'; there are {names}")
    fits = [fit(table, profile) for profile in profiles if name in (None, profile.name)]
    for last in (False, True):
        for own in (True, False):
            tier = [one for one in fits if one.fits and (one.profile.own, one.profile.last) == (own, last)]
            if tier:
                return _best(table, tier)
        if any(one.doubled and not one.missing for one in fits if not one.profile.last):
            break  # it is that export, with a mistake; no other profile may read round it
    raise UnreadableFile(f"{table.name}: {_unmatched(table, fits)}")


def _best(table: Table, tier: Sequence[Fit]) -> Profile:
    highest = max(one.score for one in tier)
    best = [one.profile.name for one in tier if one.score == highest]
    if len(best) > 1:
        raise UnreadableFile(
            f"{table.name}: its columns ({_named(table.columns)}) fit the profiles "
            f"{' and '.join(repr(name) for name in best)} equally well; name one with --profile."
        )
    return next(one.profile for one in tier if one.profile.name == best[0])


def _unmatched(table: Table, fits: Sequence[Fit]) -> str:
    """Return why no profile fits: what is doubled or missing, what was found, what the nearest profile expects."""
    nearest = max(
        fits, key=lambda one: (not one.missing, _shown(one), not one.profile.last, one.profile.name == "shipbatch")
    )
    profile = nearest.profile
    expected = ", ".join([wanted(profile, group) for group in profile.needs] + list(profile.known_by))
    said = f"found are the columns {_named(table.columns)}; expected, for the profile '{profile.name}', are {expected}"
    if nearest.doubled:
        return f"a column that must stand there once is there more than once: {'; '.join(nearest.doubled)}; {said}."
    if _shown(nearest) > 1:
        plural = "s" if len(nearest.missing) > 1 else ""
        return f"missing column{plural}: {', '.join(nearest.missing)}; {said}. {_DRAFT}"
    return f"no profile fits, or the header row is missing; {said}. {_DRAFT}"


def _shown(one: Fit) -> int:
    """Return how many of the profile's columns are there, be it more than once."""
    return len(one.origins) + len(one.doubled)


def _named(headers: Sequence[str]) -> str:
    named = [header[:_LONGEST_NAMED] for header in headers if header and not header.startswith("_")]
    more = len(named) - _MOST_NAMED
    return ", ".join(named[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
