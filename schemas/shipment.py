"""What a good shipment line is: the model, with the reason that a person reads beside each check.

A row comes as text in our own columns (`SHIPMENT_COLUMNS`). Names become the marketplace's values, what is missing is
told where that needs no guessing, and the model judges all rows at once: one pass finds every failure of every row.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pandera.pandas as pa
import pyarrow.compute as pc
from pandera.errors import SchemaErrors

from schemas.carriers import UNTRACKED, Carriers, plain, read_carriers, read_methods, spoken
from schemas.characters import (
    CAPITALS,
    DIGITS,
    LETTERS,
    PRINTABLE,
    is_blank,
    joined_texts,
    lengths,
    made_of,
    matches,
    picked,
    replaced,
    rows_with_others,
    text_array,
    text_series,
)
from schemas.countries import COUNTRIES, read_countries
from schemas.doubts import doubts
from schemas.findings import Effect, Findings, findings, joined, summed_up, summed_up_by_value
from schemas.tracking import SHAPED, TRACKING_URLS, Evidence, candidates, told_carrier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pyarrow import LargeStringArray

    from schemas.whole import Sight

SHIPMENT_COLUMNS = (
    "purchase_order_id",
    "customer_order_id",
    "line_number",
    "sku",
    "quantity",
    "carrier",
    "tracking_number",
    "tracking_url",
    "method_code",
    "ship_date_time",
    "ship_from_country",
    "seller_order_id",
)

PARCEL_COLUMNS = (
    "line_number",
    "sku",
    "quantity",
    "carrier",
    "other_carrier",
    "method_code",
    "tracking_number",
    "tracking_url",
    "shipped_at",
    "date_only",
    "ship_from_country",
    "seller_order_id",
)
"""What a validated line says of its parcel."""

SHORTEST_TRACKING = 5  # characters
LONGEST_SELLER_ORDER = 30  # characters, by the marketplace's own limit
EARLIEST = int(datetime(2000, 1, 1, tzinfo=UTC).timestamp() * 1000)  # epoch ms; no parcel was sent before


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What validating needs to know besides the rows."""

    carriers: Mapping[str, str] = field(default_factory=dict)  # the seller's own names of carriers
    ship_from_country: str = "CA"  # where a row names none
    method_code: str = ""  # where a row names none; "": the order tells it
    strict_tracking: bool = False  # reject what tracking numbers make doubtful, rather than warn
    sight: Sight | None = None  # of the whole, where the rows are a part of a table


def _rule(reason: str, holds: Callable[[Any], pd.Series], column: str = "") -> pa.Check:
    """Return a check over a whole column or, where a column is named, over all columns at once, in favour of that one.

    Where it fails, the full answer (`check_output`) tells the rows; the library's own list of cases, which costs a
    hundred microseconds a row, is kept to one.
    """
    return pa.Check(holds, name=column or None, error=reason, n_failure_cases=1)


def _order_number(texts: pd.Series) -> pd.Series:
    return made_of(texts, DIGITS + LETTERS + b"-_", 50)


def _digits(texts: pd.Series) -> pd.Series:
    return made_of(texts, DIGITS, 9)


def _whole_number(texts: pd.Series) -> pd.Series:
    noughts = lengths(pc.ascii_ltrim(text_array(texts), "0")) == 0
    return pd.Series(made_of(texts, DIGITS, 6).to_numpy() & (is_blank(texts) | ~noughts))


def _tracking_number(texts: pd.Series) -> pd.Series:
    array = text_array(texts)
    wordlike = pc.ascii_is_alpha(array).to_numpy(zero_copy_only=False)
    long_enough = (lengths(array) >= SHORTEST_TRACKING) | is_blank(texts)
    return pd.Series(made_of(texts, DIGITS + CAPITALS, 50).to_numpy() & long_enough & ~wordlike)


def _web_address(texts: pd.Series) -> pd.Series:
    good = made_of(texts, PRINTABLE.replace(b" ", b""), 2000).to_numpy(copy=True)
    given = np.flatnonzero(~is_blank(texts))
    good[given] &= matches(picked(text_array(texts), given), r"https?://[^/]+\.[^/]+(?:/.*)?")
    return pd.Series(good)


def _country(codes: pd.Series) -> pd.Series:
    known = np.array([country in COUNTRIES for country in codes.cat.categories], np.bool_)
    return pd.Series(known[codes.cat.codes])


def _seller_order(texts: pd.Series) -> pd.Series:
    return pd.Series(pc.utf8_length(text_array(texts)).to_numpy(zero_copy_only=False) <= LONGEST_SELLER_ORDER)


LINE = pa.DataFrameSchema(
    {
        "purchase_order_id": pa.Column(
            "str", _rule("an order number has only letters, digits and dashes, at most 50", _order_number)
        ),
        "customer_order_id": pa.Column(
            "str", _rule("an order number has only letters, digits and dashes, at most 50", _order_number)
        ),
        "line_number": pa.Column(
            "str", _rule("a line number is a whole number, as the order shows it", _digits)
        ),
        "sku": pa.Column("str"),
        "quantity": pa.Column("str", _rule("a quantity is a whole number from 1 to 999999", _whole_number)),
        "carrier": pa.Column("category"),
        "other_carrier": pa.Column("category"),
        "method_code": pa.Column("category"),
        "tracking_number": pa.Column(
            "str", _rule("a tracking number has 5 to 50 letters and digits, not letters alone", _tracking_number)
        ),
        "tracking_url": pa.Column("str", _rule("a tracking URL begins with http:// or https://", _web_address)),
        "ship_date_time": pa.Column("str"),
        "shipped_at": pa.Column("int64"),
        "date_only": pa.Column("bool"),
        "ship_from_country": pa.Column(
            "category", _rule("a country is told by its two letters, such as CA or US", _country)
        ),
        "seller_order_id": pa.Column("str", _rule("a seller's order number has at most 30 characters", _seller_order)),
    },
    checks=[
        _rule(
            "the order number is missing: a row needs a purchase order id, or a customer order id",
            lambda lines: pd.Series(~(is_blank(lines["purchase_order_id"]) & is_blank(lines["customer_order_id"]))),
            "purchase_order_id",
        ),
        _rule(
            "the carrier is missing, and the tracking number does not tell it beyond doubt: name the carrier",
            lambda lines: (lines["carrier"] != "") | (lines["other_carrier"] != ""),
            "carrier",
        ),
        _rule(
            "the tracking number is missing; only Lettermail goes without",
            lambda lines: (lines["carrier"] == UNTRACKED) | ~is_blank(lines["tracking_number"]),
            "tracking_number",
        ),
        _rule(
            "the tracking URL is missing: it is needed for a carrier that is not on the marketplace's list",
            lambda lines: (lines["other_carrier"] == "") | ~is_blank(lines["tracking_url"]),
            "tracking_url",
        ),
        _rule(
            "the ship date is missing",
            lambda lines: (lines["shipped_at"] != 0) | ~is_blank(lines["ship_date_time"]),
            "ship_date_time",
        ),
        _rule(
            "this cannot be read as a date; write it like 2026-11-23 or 2026-11-23 14:30",
            lambda lines: (lines["shipped_at"] != 0) | is_blank(lines["ship_date_time"]),
            "ship_date_time",
        ),
        _rule(
            "this is no likely ship date: it lies before the year 2000",
            lambda lines: (lines["shipped_at"] == 0) | (lines["shipped_at"] >= EARLIEST),
            "ship_date_time",
        ),
    ],
    strict=True,
)  # fmt: skip
"""A shipment line before its quantity is a number."""


def validate(
    columns: pd.DataFrame, shipped_at: pd.Series, date_only: pd.Series, context: Context
) -> tuple[pd.DataFrame, Findings]:
    """Read and judge rows of text.

    `columns` are `SHIPMENT_COLUMNS`, `str`, "" where absent; `shipped_at` is int64 UTC epoch milliseconds, 0 where
    absent or unreadable; `date_only` bool. Returns the lines, one for each row in the same order, with the two order
    ids and `PARCEL_COLUMNS` (quantity int64, 0 where blank or bad; carrier, other_carrier, method_code and
    ship_from_country categorical), and every finding about them. A row without a "rejected" finding is good.
    """
    carriers = read_carriers(columns["carrier"], context.carriers)
    numbers = text_array(columns["tracking_number"])
    if len(rows_with_others(numbers, DIGITS + CAPITALS)):
        numbers = pc.utf8_upper(numbers)
    evidence = candidates(numbers)
    carriers, told = _tell_carriers(carriers, evidence, columns)
    methods = read_methods(columns["method_code"])
    lines = pd.DataFrame(
        {
            "purchase_order_id": columns["purchase_order_id"],
            "customer_order_id": columns["customer_order_id"],
            "line_number": _line_numbers(columns["line_number"]),
            "sku": columns["sku"],
            "quantity": columns["quantity"],
            "carrier": carriers.code,
            "other_carrier": carriers.other,
            "method_code": _defaulted(methods, context.method_code),
            "tracking_number": text_series(numbers),
            "tracking_url": _tracking_urls(columns["tracking_url"], carriers.other, numbers),
            "ship_date_time": columns["ship_date_time"],
            "shipped_at": shipped_at.to_numpy(np.int64),
            "date_only": date_only.to_numpy(np.bool_),
            "ship_from_country": read_countries(columns["ship_from_country"], context.ship_from_country),
            "seller_order_id": columns["seller_order_id"],
        }
    )
    found = joined(
        (
            _judge(lines, columns),
            doubts(numbers, carriers, evidence, strict=context.strict_tracking, sight=context.sight),
            told,
            _resold(carriers),
            _no_methods(columns["method_code"], methods),
        )
    )
    lines["quantity"] = _whole(lines["quantity"])
    return lines.drop(columns="ship_date_time"), found


def _tell_carriers(carriers: Carriers, evidence: Evidence, columns: pd.DataFrame) -> tuple[Carriers, Findings]:
    """Fill in carriers that are missing where exactly one on the marketplace's list fits, check digit and all."""
    told = told_carrier(evidence)
    told[~is_blank(columns["carrier"])] = -1
    code_of = np.maximum(carriers.code.categories.get_indexer(pd.Index(SHAPED)), 0)
    codes = np.where(told >= 0, code_of[told], carriers.code.codes)
    filled = pd.Categorical.from_codes(codes, dtype=carriers.code.dtype)
    told_by = "no carrier is named: the tracking number is one of {}, check digit and all"
    notes = [
        summed_up(rows, "carrier", "", Effect.NOTE, told_by.format(spoken(name)))
        for place, name in enumerate(SHAPED)
        if code_of[place] and len(rows := np.flatnonzero(told == place))
    ]  # fmt: skip
    return Carriers(filled, carriers.other, carriers.resold), joined(notes)


def _line_numbers(texts: pd.Series) -> pd.Series:
    """Return line numbers as the marketplace writes them: 1, not 001."""
    array = text_array(texts)
    padded = np.flatnonzero(pc.starts_with(array, "0").to_numpy(zero_copy_only=False))
    numbers = picked(array, padded)
    padded = padded[matches(numbers, r"0+[1-9]\d*")]
    if not len(padded):
        return texts
    return text_series(replaced(array, padded, pc.ascii_ltrim(picked(array, padded), "0")))


def _defaulted(methods: pd.Categorical, method: str) -> pd.Categorical:
    codes = methods.codes.copy()
    codes[codes == 0] = list(methods.categories).index(method)
    return pd.Categorical.from_codes(codes, dtype=methods.dtype)


def _tracking_urls(given: pd.Series, other: pd.Categorical, numbers: LargeStringArray) -> pd.Series:
    """Make the URLs that the marketplace needs and the rows lack, where the carrier's pattern is known."""
    patterns = {
        place: TRACKING_URLS[plain(name)] for place, name in enumerate(other.categories) if plain(name) in TRACKING_URLS
    }
    if not patterns:
        return given
    urls = text_array(given)
    wanting = is_blank(given) & (lengths(numbers) > 0)
    for place, pattern in patterns.items():
        rows = np.flatnonzero(wanting & (other.codes == place))
        before, after = pattern.split("{}")
        made = joined_texts(before, picked(numbers, rows), after)
        urls = replaced(urls, rows, made)
    return text_series(urls)


def _judge(lines: pd.DataFrame, columns: pd.DataFrame) -> Findings:
    try:
        LINE.validate(lines, lazy=True, inplace=True)
    except SchemaErrors as errors:
        return joined(_failures(errors, columns))
    return joined(())


def _failures(errors: SchemaErrors, columns: pd.DataFrame) -> Iterator[Findings]:
    for failure in errors.schema_errors:
        if failure.check_output is None:
            raise failure  # a column is missing or of the wrong type: our own fault, not the file's
        rows = np.flatnonzero(~failure.check_output.to_numpy(np.bool_))
        column = failure.check.name if failure.check.name in columns.columns else failure.schema.name
        yield findings(rows, column, columns[column].iloc[rows], Effect.REJECTED, failure.check.error)


def _resold(carriers: Carriers) -> Findings:
    rows = np.flatnonzero(carriers.resold)
    reason = "{} sells labels of other carriers: name the carrier that brings the parcel, so that buyers can follow it"
    return summed_up_by_value(rows, "carrier", pd.Series(carriers.other[rows]), Effect.WARNING, reason.format)


def _no_methods(texts: pd.Series, methods: pd.Categorical) -> Findings:
    rows = np.flatnonzero((methods.codes == 0) & ~is_blank(texts))
    reason = "this is a carrier's service, not a method of the marketplace: taken as not given"
    return summed_up_by_value(rows, "method_code", texts.iloc[rows], Effect.NOTE, lambda _name: reason)


def _whole(texts: pd.Series) -> np.ndarray:
    good = _whole_number(texts).to_numpy() & ~is_blank(texts)
    numbers = np.zeros(len(texts), np.int64)
    numbers[good] = pc.cast(picked(text_array(texts), np.flatnonzero(good)), "int64").to_numpy(zero_copy_only=False)
    return numbers
