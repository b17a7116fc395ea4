"""A plan in the making: all rows of all tables one under the other, each still ready, or ended with a reason."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
from pandas.api.types import union_categoricals

from batch.outcomes import Outcome
from batch.sentences import sentences, table_names
from schemas.characters import is_blank
from schemas.damage import inspect
from schemas.doubts import is_proven
from schemas.findings import Effect, Findings, findings, in_short, joined
from schemas.shipment import SHIPMENT_COLUMNS, Context, validate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from zoneinfo import ZoneInfo

    from batch.reading.shipments import Recognised, Shipments
    from batch.settings import Account
    from schemas.whole import Sight

DAY = 24 * 60 * 60 * 1000  # milliseconds
DAYS_AHEAD = 3  # how far ahead a ship time may lie

CUT_OFF = (
    "the file ends within this line, as where a copy stalls, and no check digit shows that the number is whole: compare"
    " it with the label"
)

STATES = ("", Outcome.SKIPPED, Outcome.REJECTED, Outcome.HELD, Outcome.NOT_ATTEMPTED)
"""How a row stands in a plan; "" is ready to be sent."""
SKIPPED, REJECTED, HELD, LATER = range(1, len(STATES))


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """All of a plan's inputs but the rows."""

    zone: ZoneInfo  # of dates without a time
    now_ms: int  # epoch milliseconds
    on_bad_row: Literal["hold-order", "send-rest"] = "hold-order"
    method_code: str = "Standard"  # where neither row nor order names one
    ship_from_country: str = "CA"  # where a row names none
    strict_tracking: bool = False
    carriers: Mapping[str, str] = field(default_factory=dict)  # the seller's own names
    preflight: bool = True  # each order is read before sending, so that it can fill what rows leave blank
    dropped: bool = False  # files come by copying, and a copy that stalled cuts its last line off anywhere

    @classmethod
    def of(cls, account: Account, zone: ZoneInfo, now_ms: int) -> Policy:
        """Return the policy of an account."""
        return cls(
            zone=zone,
            now_ms=now_ms,
            on_bad_row=account.on_bad_row,
            method_code=account.method_code,
            ship_from_country=account.ship_from_country,
            strict_tracking=account.strict_tracking,
            carriers=account.carriers,
            preflight=account.preflight,
        )


@dataclass(slots=True)
class Draft:
    """A plan in the making: all rows of all tables one under the other."""

    shipments: tuple[Recognised, ...]
    names: list[str]  # what sentences call the tables
    table: np.ndarray  # int64, place in `shipments`
    row: np.ndarray  # int64, as Excel shows it
    lines: pd.DataFrame
    found: pd.DataFrame  # findings, with `table` and `position`
    state: np.ndarray  # uint8, place in `STATES`
    order: np.ndarray  # int64 code of the order that the row names, by first appearance; told by `batch.grouping`
    reasons: list[tuple[np.ndarray, list[str]]] = field(default_factory=list)

    @property
    def ready(self) -> np.ndarray:
        """Positions of the rows that nothing speaks against so far."""
        return np.flatnonzero(self.state == 0)

    def end(self, rows: np.ndarray, state: int, reasons: list[str]) -> None:
        """Let rows end here, each with its reason."""
        self.state[rows] = state
        self.reasons.append((rows, reasons))

    def places(self, rows: np.ndarray) -> list[str]:
        """Name rows: `warehouse.csv row 17`."""
        pairs = zip(self.table[rows].tolist(), self.row[rows].tolist(), strict=True)
        return [f"{self.names[table]} row {row}" for table, row in pairs]


@dataclass(frozen=True, slots=True)
class Examined:
    """A table's lines and everything found about its rows, the most telling first."""

    lines: pd.DataFrame  # as `schemas.shipment.validate` has them
    found: Findings


def drafted(shipments: tuple[Shipments, ...], policy: Policy) -> Draft:
    """Examine every table and lay them one under the other."""
    draft = draft_of(shipments, [examined(one, policy) for one in shipments])
    pa.default_memory_pool().release_unused()
    return draft


def draft_of(shipments: tuple[Recognised, ...], tables: Sequence[Examined]) -> Draft:
    """Lay examined tables one under the other; their orders are still to be told. `shipments`: beside each table."""
    sizes = [len(one.lines) for one in tables]
    starts = np.cumsum([0, *sizes]).tolist()
    found = [
        told.assign(table=place, position=told["row"] + start)
        for place, (told, start) in enumerate(zip((in_short(one.found) for one in tables), starts, strict=False))
    ]
    return Draft(
        shipments=shipments,
        names=table_names(shipments),
        table=np.repeat(np.arange(len(tables)), sizes) if len(tables) > 1 else np.zeros(starts[-1], np.int64),
        row=np.concatenate([np.empty(0, np.int64), *(one.table.rows for one in shipments)]),
        lines=stacked([one.lines for one in tables]),
        found=pd.concat(found, ignore_index=True) if found else joined(()).assign(table=0, position=0),
        state=np.zeros(starts[-1], np.uint8),
        order=np.empty(0, np.int64),
    )


def examined(one: Shipments, policy: Policy, sight: Sight | None = None) -> Examined:
    """Examine a table, or a part of one: then `sight` is of the whole."""
    kinds = {} if one.table.kinds is None else {name: one.table.kinds[:, at] for name, at in one.origins.items()}
    columns, damage = inspect(one.columns, kinds, sight)
    context = Context(
        carriers=policy.carriers,
        ship_from_country=policy.ship_from_country,
        method_code="" if policy.preflight else policy.method_code,
        strict_tracking=policy.strict_tracking,
        sight=sight,
    )
    lines, faults = validate(columns, one.shipped_at, one.date_only, context)
    ahead = _time(lines, policy)
    blanks = joined(()) if policy.preflight else _blanks(lines)
    cut_off = _cut_off(lines) if policy.dropped and one.table.unterminated else joined(())
    return Examined(lines, joined((one.findings, damage, faults, ahead, blanks, cut_off)))


def _time(lines: pd.DataFrame, policy: Policy) -> Findings:
    """Reject ship times too far ahead. Where a row names today without a time, noon may lie ahead: then it is now."""
    shipped_at = lines["shipped_at"].to_numpy().copy()
    rows = np.flatnonzero(shipped_at > policy.now_ms)
    begins = beginnings(shipped_at[rows], lines["date_only"].to_numpy()[rows], policy.zone)
    today = rows[begins <= policy.now_ms]
    shipped_at[today] = policy.now_ms
    lines["shipped_at"] = shipped_at
    latest = policy.now_ms + DAYS_AHEAD * DAY
    far = rows[begins > latest]
    reason = f"the ship time lies more than {DAYS_AHEAD} days ahead"
    return findings(far, "ship_date_time", "", Effect.REJECTED, reason)


def beginnings(times: np.ndarray, date_only: np.ndarray, zone: ZoneInfo) -> np.ndarray:
    """Return from when on a row may be sent, epoch ms: its ship time; where it names a day, when that begins there."""
    begins = times.copy()
    days = pd.DatetimeIndex(times[date_only].astype("datetime64[ms]"), tz="UTC").tz_convert(zone)
    midnights = days.tz_localize(None).normalize().tz_localize(zone, ambiguous=True, nonexistent="shift_forward")
    begins[date_only] = midnights.tz_convert("UTC").tz_localize(None).astype("datetime64[ms]").astype(np.int64)
    return begins


def _blanks(lines: pd.DataFrame) -> Findings:
    """Hold what only the order itself could fill in, where orders are not read."""
    lineless = np.flatnonzero(is_blank(lines["line_number"]))
    uncounted = np.flatnonzero(lines["quantity"].to_numpy() == 0)
    return joined(
        (
            findings(lineless, "line_number", "", Effect.HELD, "the line number is missing, and orders are not read"),
            findings(uncounted, "quantity", "", Effect.HELD, "the quantity is missing, and orders are not read"),
        )
    )


def _cut_off(lines: pd.DataFrame) -> Findings:
    """Hold the last row, whose line has no end, unless a check digit shows that its number is all there."""
    last = lines.iloc[-1:]
    numbers = last["tracking_number"].tolist()
    carriers = last["carrier"].astype("str").where(last["carrier"] != "", last["other_carrier"].astype("str"))
    if all(map(is_proven, numbers, carriers)):
        return joined(())
    return findings(range(len(lines))[-1:], "tracking_number", numbers, Effect.HELD, CUT_OFF)


def stacked(frames: list[pd.DataFrame]) -> pd.DataFrame:
    """Lay lines one under the other; columns of few distinct values stay categorical."""
    if len(frames) == 1:
        return frames[0]
    if not frames:
        return stacked([_no_lines()])
    return pd.DataFrame(
        {
            name: union_categoricals([frame[name] for frame in frames])
            if isinstance(column.dtype, pd.CategoricalDtype)
            else pd.concat([frame[name] for frame in frames], ignore_index=True)
            for name, column in frames[0].items()
        }
    )


def _no_lines() -> pd.DataFrame:
    nothing = pd.DataFrame({column: pd.Series([], dtype="str") for column in SHIPMENT_COLUMNS})
    return validate(nothing, pd.Series([], dtype=np.int64), pd.Series([], dtype=np.bool_), Context())[0]


def _telling(told: pd.DataFrame) -> pd.Series:
    """Return which findings tell something new: the first about each cell; of a row that is unsure, only that it is."""
    row_alone = told["column"] == ""
    unsure = told["position"].isin(told["position"][row_alone])
    return row_alone | ~(unsure | told.duplicated(["position", "column"]))


def judge(draft: Draft) -> None:
    """End the rows that findings speak against: no shipment, else wrong, else held."""
    for effect, state in ((Effect.SKIPPED, SKIPPED), (Effect.REJECTED, REJECTED), (Effect.HELD, HELD)):
        told = draft.found[(draft.found["effect"] == effect) & (draft.state[draft.found["position"]] == 0)]
        told = told[_telling(told)]
        told = told.sort_values("position", kind="stable")
        positions = told["position"].to_numpy()
        rows, starts = np.unique(positions, return_index=True)
        parts = sentences(told, draft.shipments)
        bounds = pairwise([*starts.tolist(), len(parts)])
        draft.end(rows, state, ["; ".join(parts[low:high]) for low, high in bounds])
