"""One statement for many rows, at the driver's speed.

SQLAlchemy writes the statement for whichever database it is, once; values go to and come from the driver as they are.
(Measured: by SQLAlchemy's own way each statement costs 25 us more, and each of its rows 5 us; that was most of what
journalling an order cost.) Values are what every driver understands: text, whole numbers, bytes, True and False, None.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from sqlalchemy import BindParameter, Insert, bindparam, column, insert, select, values
from sqlalchemy.sql import visitors
from sqlalchemy.sql.compiler import SQLCompiler

from batch.journal import sqlite
from batch.journal.blocks import BLOCK, blocks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy import ColumnElement, Connection, Select, Update
    from sqlalchemy.sql import ClauseElement

Row = Sequence[Any]
Values = Mapping[str, Any]

_NAMES = tuple(f"any_{place}" for place in range(BLOCK))
_AT_ONCE = 256  # rows; to prepare a statement that lists so many takes 1 ms


class Many:
    """An insert or update that is carried out for many rows at once. `names`: the values that a row has, in sequence.

    What is inserted is numbered in the sequence of the rows; no two of them may update the same row of the table.
    """

    def __init__(self, statement: Insert | Update, *names: str) -> None:
        self._one_by_one, self._in_one_step = _OneByOne(statement, names), _InOneStep(statement, names)

    def __call__(self, connection: Connection, rows: Sequence[Row]) -> int:
        """Carry it out for each of the rows; return how many rows of the table it touched."""
        if connection.dialect.name == sqlite.NAME:
            return sum(self._in_one_step(connection, piece) for piece in _pieces(rows))
        return self._one_by_one(connection, rows) if rows else 0


class _Written(NamedTuple):
    """A statement as the driver takes it: its text, and what makes values into those before and behind a list."""

    text: str
    before: Callable[[Values], Row]
    behind: Callable[[Values], Row]


class _OneByOne:
    """The driver is given all rows, and carries the statement out for each."""

    def __init__(self, statement: Insert | Update, names: Sequence[str]) -> None:
        self._statement, self._names = statement, names
        self._written: dict[str, _Written] = {}

    def __call__(self, connection: Connection, rows: Sequence[Row]) -> int:
        kind = connection.dialect.name
        if kind not in self._written:
            self._written[kind] = _written(connection, self._statement, names=self._names)
        text, placed, _ = self._written[kind]
        with closing(connection.connection.cursor()) as cursor:
            cursor.executemany(text, [placed(dict(zip(self._names, row, strict=True))) for row in rows])
            return int(cursor.rowcount)


class _InOneStep:
    """The rows are listed in the statement, and what is the same in all of them is said once.

    Measured with SQLite and blocks of 256: each step of the driver costs 0.3 us, and each value that it is given 0.2;
    so an update of an order costs 1 to 1.8 us this way, and 2.2 to 3 us one by one. (Listed in JSON they cost 4 us.)
    """

    def __init__(self, statement: Insert | Update, names: Sequence[str]) -> None:
        self._statement, self._names = statement, names
        self._written: dict[tuple[Sequence[int], int], _Written] = {}

    def __call__(self, connection: Connection, rows: Sequence[Row]) -> int:
        columns = list(zip(*rows, strict=True))
        differing = tuple(place for place, of_all in enumerate(columns) if _differ(of_all)) or (0,)
        text, _, said_once = self._for(connection, differing, len(rows))
        listed = chain.from_iterable(zip(*(columns[place] for place in differing), strict=True))
        driver: Any = connection.connection.driver_connection
        before = driver.total_changes
        with closing(driver.cursor()) as cursor:
            cursor.execute(text, (*listed, *said_once(dict(zip(self._names, rows[0], strict=True)))))
        return int(driver.total_changes - before)

    def _for(self, connection: Connection, differing: Sequence[int], count: int) -> _Written:
        """Return the statement for so many rows, of which the values at these places differ."""
        if (differing, count) not in self._written:
            names = [self._names[place] for place in differing]
            of_one = _written(connection, _listing(self._statement, self._names, names), names)
            row = f"({', '.join('?' * len(names))})"
            text = of_one.text.replace(row, ", ".join([row] * count), 1)
            self._written[differing, count] = of_one._replace(text=text)
        return self._written[differing, count]


def _pieces(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """Cut the rows into pieces of few sizes, so that few statements need to be prepared: powers of two."""
    done = 0
    while left := len(rows) - done:
        size = min(_AT_ONCE, 1 << (left.bit_length() - 1))
        yield rows[done : done + size]
        done += size


def _differ(values_: Sequence[Any]) -> bool:
    return values_.count(values_[0]) < len(values_)


def _listing(statement: Insert | Update, names: Sequence[str], listed: Sequence[str]) -> ClauseElement:
    """Return the statement for a list of rows with the values `listed`; others it still asks for."""
    given = values(*map(column, listed), name="given").data([tuple(map(bindparam, listed))]).cte("given")
    if isinstance(statement, Insert):
        row = select(*(given.c[name] if name in listed else bindparam(name) for name in names))
        return insert(statement.table).from_select(list(names), row)

    def of_list(element: object, **_: object) -> object:
        return given.c[element.key] if isinstance(element, BindParameter) and element.key in listed else None

    return cast("Update", visitors.replacement_traverse(statement, {}, of_list))


class Lookup:
    """A select of the rows in which a column has one of many values, and whatever else the statement asks for."""

    def __init__(self, statement: Select[Any], column: ColumnElement[Any]) -> None:
        self._statement, self._column = statement, column
        self._written: dict[tuple[str, int], _Written] = {}

    def __call__(self, connection: Connection, wanted: Iterable[Any], **more: object) -> Iterator[Sequence[Any]]:
        """Return the rows, as the driver gives them. `more`: the statement's own parameters."""
        for block in blocks(wanted):
            size = _size(len(block))
            text, before, behind = self._for(connection, size)
            filled = block + block[-1:] * (size - len(block))
            with closing(connection.connection.cursor()) as cursor:
                cursor.execute(text, (*before(more), *filled, *behind(more)))
                found = cursor.fetchall()
            yield from found

    def _for(self, connection: Connection, size: int) -> _Written:
        """Return the statement for so many values. There are few sizes, so that each is written once."""
        written = connection.dialect.name, size
        if written not in self._written:
            names = _NAMES[:size]
            places = [bindparam(name, type_=self._column.type) for name in names]
            self._written[written] = _written(connection, self._statement.where(self._column.in_(places)), names)
        return self._written[written]


def _written(
    connection: Connection, statement: ClauseElement, listed: Sequence[str] = (), *, names: Sequence[str] | None = None
) -> _Written:
    """Return the statement as the driver takes it, with a list of these values. `names`: the columns of an insert."""
    compiled = statement.compile(dialect=connection.dialect, column_keys=names)
    assert isinstance(compiled, SQLCompiler)  # noqa: S101 - it is no DDL
    constants = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
    places = compiled.positiontup or []
    begin = places.index(listed[0]) if listed else len(places)
    before, behind = places[:begin], places[begin + len(listed) :]
    return _Written(str(compiled), partial(_placed, constants, before), partial(_placed, constants, behind))


def _placed(constants: Values, places: Sequence[str], given: Values) -> Row:
    return tuple(constants[name] if name in constants else given[name] for name in places)


def _size(count: int) -> int:
    return min(BLOCK, 1 << (count - 1).bit_length())
