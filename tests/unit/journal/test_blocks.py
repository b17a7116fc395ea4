from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from batch.journal.blocks import BLOCK, blocks


@given(st.lists(st.integers(), max_size=30), st.integers(1, 7))
def test_blocks_are_the_items_in_their_sequence_and_none_is_too_large(items: list[int], size: int) -> None:
    cut = list(blocks(iter(items), size))

    assert [item for block in cut for item in block] == items
    assert all(1 <= len(block) <= size for block in cut)


def test_a_block_is_small_enough_for_every_databases_limit_of_parameters() -> None:
    assert [len(block) for block in blocks(range(BLOCK + 1))] == [BLOCK, 1]
    assert BLOCK < 999  # the limit of SQLite before 3.32
