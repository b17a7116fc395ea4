"""Columns of text in files: of a large table only what is looked at takes memory, and the system takes that back.

A column is what pyarrow keeps in memory, its letters one after the other and where each text ends, in two files that
nobody else can see and that are gone with whoever made them.
"""

from __future__ import annotations

import mmap
import tempfile
import threading
import time
import weakref
from contextlib import ExitStack
from typing import IO, TYPE_CHECKING

import numpy as np
import pyarrow as pa

from batch.reading.columns import Column, empty_column

if TYPE_CHECKING:
    from collections.abc import Iterable


_EVERY = 0.1  # s


def spilled(batches: Iterable[pa.RecordBatch], width: int) -> list[Column]:
    """Return the columns of record batches of text, each in one piece; no batch is kept. Raises OSError."""
    with ExitStack() as held:
        columns = [_Spilled(held) for _ in range(width)]
        for batch in batches:
            for position, column in enumerate(columns):
                column.add(batch.column(position))
        return [column.mapped() for column in columns]


class _Spilled:
    """One column on its way into its files."""

    def __init__(self, held: ExitStack) -> None:
        self._letters, self._ends = _file(held), _file(held)
        self._height = self._length = 0
        self._ends.write(np.zeros(1, np.int64).tobytes())

    def add(self, piece: Column) -> None:
        _, offsets, letters = piece.buffers()
        places = np.frombuffer(offsets, np.int32)[piece.offset : piece.offset + len(piece) + 1].astype(np.int64)
        if letters is not None:
            self._letters.write(memoryview(letters)[places[0] : places[-1]])
        self._ends.write((places[1:] - places[0] + self._length).tobytes())
        self._length += int(places[-1] - places[0])
        self._height += len(piece)

    def mapped(self) -> Column:
        if not self._height:
            return empty_column(0)
        return pa.Array.from_buffers(
            pa.large_string(),
            self._height,
            [None, _buffer(self._ends), _buffer(self._letters) if self._length else pa.py_buffer(b"")],
        )


def _file(held: ExitStack) -> IO[bytes]:
    return held.enter_context(tempfile.TemporaryFile(prefix="shipbatch-"))


def _buffer(file: IO[bytes]) -> pa.Buffer:
    """Return the file's content; it stays as long as that is used, though the file is closed."""
    file.flush()
    return pa.py_buffer(mapped(file))


def mapped(file: IO[bytes]) -> mmap.mmap:
    """Return a file's content as memory that the system takes back now and then."""
    content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    _GIVING_BACK.also(content)
    return content


class _GivingBack:
    """Lets go, now and then, of what was looked at: it is read from the file again where it is looked at again."""

    def __init__(self) -> None:
        self._mapped: weakref.WeakSet[mmap.mmap] = weakref.WeakSet()
        self._turn = threading.Lock()
        self._thread: threading.Thread | None = None

    def also(self, mapped: mmap.mmap) -> None:
        """Let go of this, too, while it lasts."""
        with self._turn:
            self._mapped.add(mapped)
            if self._thread is None:
                self._thread = threading.Thread(target=self._give_back, name="giving back", daemon=True)
                self._thread.start()

    def _give_back(self) -> None:
        while True:
            with self._turn:
                self._let_go()
                if not self._mapped:
                    self._thread = None
                    return
            time.sleep(_EVERY)

    def _let_go(self) -> None:  # by itself: a name in the loop above would hold on to the last one for ever
        for mapped in self._mapped:
            mapped.madvise(mmap.MADV_DONTNEED)


_GIVING_BACK = _GivingBack()
