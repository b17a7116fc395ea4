"""Rows are worked on by columns: how many Python functions are called does not grow with them."""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING

import pytest

from batch.plan import make_plan
from batch.reading import read_shipments
from tests import make_samples
from tests.unit.reading.making import PROFILES, TORONTO, source, workbook
from tests.unit.tables import policy

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import FrameType

    from batch.reading.table import Source

FEW, MANY = 1_000, 4_000  # rows


def calls_during(action: Callable[[], object]) -> int:
    """Return how many Python functions were called meanwhile.

    Garbage is not collected meanwhile: a collection calls what others hung on it, as Hypothesis does.
    """
    count = 0

    def counted(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event == "call"

    gc.collect()
    gc.disable()
    sys.setprofile(counted)
    try:
        action()
    finally:
        sys.setprofile(None)
        gc.enable()
    return count


def planned(file: Source) -> None:
    make_plan(read_shipments(file, PROFILES, zone=TORONTO), policy())


def as_csv(rows: list[list[str]]) -> bytes:
    return make_samples._csv(rows).encode()


@pytest.mark.parametrize(("form", "most"), [(as_csv, 0.01), (workbook, 0.01)])
def test_reading_validating_and_grouping_call_hardly_anything_for_a_row(
    tmp_path: Path, form: Callable[[list[list[str]]], bytes], most: float
) -> None:
    rows = [list(make_samples.OUR_HEADER), *map(make_samples._ours, make_samples.lines(1, MANY))]
    few = source(tmp_path, form(rows[: FEW + 1]), "few")
    many = source(tmp_path, form(rows[: MANY + 1]), "many")
    planned(few)  # what is only made once is made
    growth = calls_during(lambda: planned(many)) - calls_during(lambda: planned(few))
    assert growth / (MANY - FEW) < most
