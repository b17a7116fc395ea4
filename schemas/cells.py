"""How a file stores a cell. The damage checks read it; the readers of files tell it."""

from __future__ import annotations

from enum import IntEnum


class Kind(IntEnum):
    """What the file says that a cell is, whatever its text looks like. Kept as uint8 in arrays beside the text."""

    EMPTY = 0
    TEXT = 1
    NUMBER = 2
    DATE = 3
    BOOLEAN = 4
    ERROR = 5
    DURATION = 6
    FORMATTED = 7  # a number whose format shows noughts or letters that it does not have
