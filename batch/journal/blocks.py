"""Blocks: how many things one statement names. Every database has its limit, and memory has one, too."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

BLOCK = 512  # orders that are looked up or written with one statement

T = TypeVar("T")


def blocks(items: Iterable[T], size: int = BLOCK) -> Iterator[list[T]]:
    """Cut the items into lists of at most `size`."""
    iterator = iter(items)
    while block := list(islice(iterator, size)):
        yield block
