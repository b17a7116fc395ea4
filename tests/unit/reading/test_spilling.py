from __future__ import annotations

import mmap
import threading

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.reading import spilling
from batch.reading.spilling import spilled

ROWS = st.lists(st.tuples(st.text(max_size=9), st.text(max_size=3)), max_size=20)


@given(rows=ROWS, cut=st.integers(0, 20), sliced=st.integers(0, 3))
def test_columns_in_files_are_the_columns_that_they_were(rows: list[tuple[str, str]], cut: int, sliced: int) -> None:
    columns = [pa.array([row[place] for row in rows], pa.string()) for place in (0, 1)]
    whole = pa.record_batch(columns, names=["0", "1"])
    found = spilled([whole.slice(0, cut), whole.slice(cut)], 2)
    assert [column.type for column in found] == [pa.large_string()] * 2
    assert [column.to_pylist() for column in found] == [column.to_pylist() for column in columns]
    assert found[0].slice(sliced).to_pylist() == columns[0].to_pylist()[sliced:]
    for column in found:
        column.validate(full=True)


@pytest.mark.parametrize("width", [0, 3])
def test_no_rows_are_columns_all_the_same(width: int) -> None:
    assert [column.to_pylist() for column in spilled([], width)] == [[]] * width


def test_what_was_looked_at_is_let_go_of_while_it_lasts_and_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spilling, "_EVERY", 0.0)
    giving_back = spilling._GivingBack()
    mapped = mmap.mmap(-1, mmap.PAGESIZE)
    giving_back.also(mapped)
    first = giving_back._thread
    giving_back.also(mapped)
    assert giving_back._thread is first
    assert first is not None
    looked = threading.Event()
    monkeypatch.setattr("batch.reading.spilling.time.sleep", lambda _: looked.set())
    assert looked.wait(30)
    del mapped
    first.join(30)
    assert not first.is_alive()
    assert giving_back._thread is None
