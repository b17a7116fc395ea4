"""One statement for many rows, at the driver's speed.

SQLAlchemy writes the statement for whichever database it is, once; values go to and come from the driver as they are.
(Measured: by SQLAlchemy's own way each statement costs 25 us more, and each of its rows 5 us; that was most of what
journalling an order cost.) Values are what every driver understands: text, whole numbers, bytes, True and False, None.
"""

from __future__ import annotations

from contextlib import closing
from functools import partial
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam
from sqlalchemy.sql.compiler import SQLCompiler

from batch.journal.blocks import BLOCK, blocks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import ColumnElement, Connection, Delete, Insert, Select, Update
    from sqlalchemy.sql import ClauseElement

    Values = Mapping[str, Any]


_NAMES = tuple(f"any_{place}" for place in range(BLOCK))


class Many:
    """An insert, update or delete that is carried out for many rows at once. `names`: the values that a row has."""

    def __init__(self, statement: Insert | Update | Delete, *names: str) -> None:
        self._statement, self._names = statement, names
        self._written: dict[str, tuple[str, Callable[[Values], Any]]] = {}

    def __call__(self, connection: Connection, rows: Sequence[Values]) -> int:
        """Carry it out for each of the rows, in sequence; return how many rows of the table it touched."""
        if not rows:
            return 0
        kind = connection.dialect.name
        if kind not in self._written:
            self._written[kind] = _written(connection, self._statement, list(self._names))
        text, values = self._written[kind]
        with closing(connection.connection.cursor()) as cursor:
            cursor.executemany(text, list(map(values, rows)))
            return int(cursor.rowcount)


class Lookup:
    """A select of the rows in which a column has one of many values, and whatever else the statement asks for."""

    def __init__(self, statement: Select[Any], column: ColumnElement[Any]) -> None:
        self._statement, self._column = statement, column
        self._written: dict[tuple[str, int], tuple[str, Callable[[Values], Any]]] = {}

    def __call__(self, connection: Connection, wanted: Iterable[Any], **more: object) -> Iterator[Sequence[Any]]:
        """Return the rows, as the driver gives them. `more`: the statement's own parameters."""
        for block in blocks(wanted):
            size = _size(len(block))
            text, values = self._for(connection, size)
            filled = block + block[-1:] * (size - len(block))
            with closing(connection.connection.cursor()) as cursor:
                cursor.execute(text, values(more | dict(zip(_NAMES, filled, strict=False))))
                found = cursor.fetchall()
            yield from found

    def _for(self, connection: Connection, size: int) -> tuple[str, Callable[[Values], Any]]:
        """Return the statement for so many values. There are few sizes, so that each is written once."""
        written = connection.dialect.name, size
        if written not in self._written:
            places = [bindparam(name, type_=self._column.type) for name in _NAMES[:size]]
            self._written[written] = _written(connection, self._statement.where(self._column.in_(places)))
        return self._written[written]


def _written(
    connection: Connection, statement: ClauseElement, names: Sequence[str] | None = None
) -> tuple[str, Callable[[Values], Any]]:
    """Return the statement's text, and what makes values into what the driver takes."""
    compiled = statement.compile(dialect=connection.dialect, column_keys=names)
    assert isinstance(compiled, SQLCompiler)  # noqa: S101 - it is no DDL
    constants = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
    places = compiled.positiontup
    if places is None:
        return str(compiled), partial(_named, constants) if constants else _as_they_are
    if constants or len(places) == 1:
        return str(compiled), partial(_placed, constants, places)
    return str(compiled), itemgetter(*places)


def _named(constants: Values, values: Values) -> Values:
    return {**constants, **values}


def _placed(constants: Values, places: Sequence[str], values: Values) -> tuple[Any, ...]:
    return tuple(constants[name] if name in constants else values[name] for name in places)


def _as_they_are(values: Values) -> Values:
    return values


def _size(count: int) -> int:
    return min(BLOCK, 1 << (count - 1).bit_length())
