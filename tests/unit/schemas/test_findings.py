from __future__ import annotations

import numpy as np
import pandas as pd

from schemas.findings import (
    FINDING_COLUMNS,
    MANY,
    Effect,
    findings,
    in_short,
    joined,
    no_findings,
    summed_up,
    summed_up_by_value,
)
from tests.unit.tables import texts


def test_no_findings_have_the_form_of_findings() -> None:
    assert tuple(no_findings().columns) == FINDING_COLUMNS
    assert no_findings()["row"].dtype == np.int64
    assert joined([]).equals(no_findings())


def test_findings_take_values_and_reasons_row_by_row_or_for_all() -> None:
    found = findings([3, 4], "sku", ["a", "b"], Effect.WARNING, ["x", "y"])

    assert found.to_numpy().tolist() == [
        [3, "sku", "a", "warning", "x", "", 0],
        [4, "sku", "b", "warning", "y", "", 0],
    ]
    assert findings([1, 2], "", "v", "held", "r")["value"].tolist() == ["v", "v"]


def test_what_many_rows_share_is_told_once_with_their_number() -> None:
    told = [in_short(summed_up(np.arange(count), "sku", "v", Effect.NOTE, "r"))["reason"][0] for count in (1, 2, 3_000)]

    assert told == ["r", "r (here and in 1 more row)", "r (here and in 2,999 more rows)"]


def test_each_distinct_value_is_told_once_at_its_first_row() -> None:
    found = in_short(
        summed_up_by_value(np.array([2, 5, 7]), "carrier", texts(["b", "a", "b"]), Effect.NOTE, "<{}>".format)
    )

    assert found[["row", "value", "reason"]].to_numpy().tolist() == [
        [2, "b", "<b> (here and in 1 more row)"],
        [5, "a", "<a>"],
    ]


def test_a_column_of_nothing_but_mistakes_is_told_in_few_findings() -> None:
    rows = np.arange(MANY + 10)
    found = in_short(summed_up_by_value(rows, "carrier", texts([str(row) for row in rows]), Effect.NOTE, str))

    assert len(found) == MANY + 1
    assert found["reason"].iloc[-1] == f"{MANY} (here and in 9 more rows)"


def test_what_parts_of_a_table_sum_up_is_summed_up_once_more_in_the_order_of_rows() -> None:
    rows = np.arange(2 * MANY)
    names = texts([f"v{row % (MANY + 5)}" for row in rows])

    def told(start: int, stop: int) -> pd.DataFrame:
        some, few = rows[start:stop], np.array([start, stop - 1])
        return joined(
            (
                summed_up(few, "sku", f"seen {start}", Effect.NOTE, "spaces taken out"),
                findings([start], "sku", "x", Effect.WARNING, "spaces taken out"),
                summed_up_by_value(some, "carrier", names[start:stop], Effect.WARNING, "<{}>".format),
            )
        )

    parts = joined((told(0, 30), told(30, 70), told(70, 100)))
    whole = joined(
        (
            summed_up(np.array([0, 29, 30, 69, 70, 99]), "sku", "seen 0", Effect.NOTE, "spaces taken out"),
            *(findings([start], "sku", "x", Effect.WARNING, "spaces taken out") for start in (0, 30, 70)),
            summed_up_by_value(rows, "carrier", names, Effect.WARNING, "<{}>".format),
        )
    )

    def by_row(found: pd.DataFrame) -> pd.DataFrame:
        return in_short(found).sort_values(["row", "column", "effect"], ignore_index=True)

    pd.testing.assert_frame_equal(by_row(parts), by_row(whole))
