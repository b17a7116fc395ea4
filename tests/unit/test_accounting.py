from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from batch.accounting import of_files, of_leftovers
from batch.leftovers import Leftovers, some_rows
from batch.plan import make_plan
from tests.unit.tables import GOOD, policy, shipments

if TYPE_CHECKING:
    from batch.reading.shipments import Shipments
    from batch.reading.table import Table

DOUBTFUL = {**GOOD, "purchase_order_id": "309121065891124", "tracking_number": "7035114477138473"}
OTHER = {**GOOD, "purchase_order_id": "309121065891125", "carrier": "Intelcom", "tracking_url": "https://i.example/1"}


def left(table: Table, whole: Shipments | None) -> Leftovers:
    return Leftovers((table,), (), (), (whole,))


def test_each_row_has_its_carrier_as_people_call_it() -> None:
    nameless = {**GOOD, "purchase_order_id": "309121065891126", "carrier": "", "tracking_number": "1"}
    told = of_files(make_plan([shipments([GOOD, OTHER, nameless])], policy()))
    assert told["carriers"].tolist() == ["Canada Post", "Intelcom", ""]


def test_warnings_name_their_rows_and_cells() -> None:
    first, second = shipments([GOOD]), shipments([GOOD, DOUBTFUL], file="b.csv")
    found = of_files(make_plan([first, second], policy()))["findings"]
    warned = found[found["effect"] == "warning"]
    assert warned[["table", "row", "column"]].values.tolist() == [[1, 1, second.origins["tracking_number"]]]
    assert warned["reason"].iloc[0].startswith('b.csv E3 trackingNumber "7035114477138473": the check digit is wrong')


def test_nothing_planned_tells_nothing() -> None:
    told = of_files(make_plan([], policy()))
    assert (len(told["carriers"]), len(told["findings"])) == (0, 0)


def test_rows_that_were_left_tell_what_they_told_before() -> None:
    whole = shipments([GOOD, OTHER, DOUBTFUL])
    told = of_leftovers(left(some_rows(whole.table, np.array([1, 2])), whole), policy())
    assert told["carriers"].tolist() == ["Intelcom", "Canada Post"]
    warned = told["findings"][told["findings"]["effect"] == "warning"]
    assert warned[["table", "row"]].values.tolist() == [[0, 1]]


def test_rows_whose_file_is_gone_tell_nothing() -> None:
    whole = shipments([GOOD, DOUBTFUL])
    told = of_leftovers(left(replace(whole.table), None), policy())
    assert told["carriers"].tolist() == ["", ""]
    assert len(told["findings"]) == 0
