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

Row = tuple[Any, ...]
Values = Mapping[str, Any]

_NAMES = tuple(f"any_{place}" for place in range(BLOCK))
_MOST, _FEWEST = 256, 8  # rows that one step lists: to prepare it for so many takes 1 ms; fewer are dearer than steps


class Many:
    """An insert or update that is carried out for many rows at once. `names`: the values that a row has, in sequence.

    What is inserted is numbered in the sequence of the rows; no two of them may update the same row of the table.
    """

    def __init__(self, statement: Insert | Update, *names: str) -> None:
        self._one_by_one, self._in_few_steps = _OneByOne(statement, names), _InFewSteps(statement, names)

    def __call__(self, connection: Connection, rows: Sequence[Row]) -> int:
        """Carry it out for each of the rows; return how many rows of the table it touched."""
        listed = len(rows) // _FEWEST * _FEWEST if connection.dialect.name == sqlite.NAME else 0
        first, rest = rows[:listed], rows[listed:]
        touched = self._in_few_steps(connection, first) if first else 0
        return touched + (self._one_by_one(connection, rest) if rest else 0)


class _Written(NamedTuple):
    """A statement as the driver takes it: its text, and what takes out of a row the values before and behind a list."""

    text: str
    before: Callable[[Row], Row]
    behind: Callable[[Row], Row]


class _OneByOne:
    """The driver is given all rows, and carries the statement out for each."""

    def __init__(self, statement: Insert | Update, names: Sequence[str]) -> None:
        self._statement, self._names = statement, names
        self._written: dict[str, _Written] = {}

    def __call__(self, connection: Connection, rows: Sequence[Row]) -> int:
        kind = connection.dialect.name
        if kind not in self._written:
            self._written[kind] = _written(connection, self._statement, self._names)
        text, in_place, _ = self._written[kind]
        with closing(connection.connection.cursor()) as cursor:
            cursor.executemany(text, list(map(in_place, rows)))
            return int(cursor.rowcount)


class _InFewSteps:
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
        listed = tuple(chain.from_iterable(zip(*(columns[place] for place in differing), strict=True)))
        driver: Any = connection.connection.driver_connection
        before, done = driver.total_changes, 0
        with closing(driver.cursor()) as cursor:
            for count in _counts(len(rows)):
                text, _, said_once = self._for(connection, differing, count)
                ended = done + count * len(differing)
                cursor.execute(text, listed[done:ended] + said_once(rows[0]))
                done = ended
        return int(driver.total_changes - before)

    def _for(self, connection: Connection, differing: Sequence[int], count: int) -> _Written:
        """Return the statement for so many rows, of which the values at these places differ."""
        if (differing, count) not in self._written:
            listed = [self._names[place] for place in differing]
            of_one = _written(connection, _listing(self._statement, self._names, listed), self._names, listed)
            row = f"({', '.join('?' * len(listed))})"
            text = of_one.text.replace(row, ", ".join([row] * count), 1)
            self._written[differing, count] = of_one._replace(text=text)
        return self._written[differing, count]


def _counts(rows: int) -> Iterator[int]:
    """Yield how many rows to list at a time: powers of two and half as many more, so that few need to be prepared."""
    while rows:
        count = 1 << (rows.bit_length() - 1)
        count = min(_MOST, count + count // 2 if rows >= count + count // 2 else count)
        yield count
        rows -= count


def _differ(values_: Sequence[Any]) -> bool:
    return bool(values_[0] != values_[-1]) or values_.count(values_[0]) < len(values_)


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
        """Return the rows, as the driver gives them. `more`: the statement's own parameters, always the same."""
        for block in blocks(wanted):
            size = min(BLOCK, 1 << (len(block) - 1).bit_length())
            text, before, behind = self._for(connection, size, tuple(more))
            filled = block + block[-1:] * (size - len(block))
            others = tuple(more.values())
            with closing(connection.connection.cursor()) as cursor:
                cursor.execute(text, (*before(others), *filled, *behind(others)))
                found = cursor.fetchall()
            yield from found

    def _for(self, connection: Connection, size: int, others: Sequence[str]) -> _Written:
        """Return the statement for so many values. There are few sizes, so that each is written once."""
        written = connection.dialect.name, size
        if written not in self._written:
            listed = _NAMES[:size]
            wanted = self._column.in_([bindparam(name, type_=self._column.type) for name in listed])
            self._written[written] = _written(connection, self._statement.where(wanted), others, listed)
        return self._written[written]


def pieces(connection: Connection, statement: Select[Any], size: int) -> Iterator[Sequence[Sequence[Any]]]:
    """Yield what is selected, so many rows at a time, as the driver gives them; a server keeps the others."""
    text, values_of, _ = _written(connection, statement, ())
    name = () if connection.dialect.name == sqlite.NAME else ("pieces",)
    with closing(connection.connection.cursor(*name)) as cursor:
        cursor.execute(text, values_of(()))
        while piece := cursor.fetchmany(size):
            yield piece


def _written(
    connection: Connection, statement: ClauseElement, names: Sequence[str], listed: Sequence[str] = ()
) -> _Written:
    """Return the statement as the driver takes it, for rows with these values, and a list of others."""
    compiled = statement.compile(
        dialect=connection.dialect, column_keys=names if isinstance(statement, Insert) else None
    )
    assert isinstance(compiled, SQLCompiler)  # noqa: S101 - it is no DDL
    constants = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
    known, said = [*names, *constants], tuple(constants.values())
    places = compiled.positiontup or []
    begin = places.index(listed[0]) if listed else len(places)
    parts = places[:begin], places[begin + len(listed) :]
    before, behind = (partial(_taken, said, [known.index(name) for name in part]) for part in parts)
    return _Written(str(compiled), before, behind)


def _taken(constants: Row, places: Sequence[int], row: Row) -> Row:
    return tuple(map((*row, *constants).__getitem__, places))
