"""What is measured within one process: the journal by itself.

    python -m tests.bench.journal_work record FOLDER ORDERS WORKERS
    python -m tests.bench.journal_work fill JOURNAL ORDERS
    python -m tests.bench.journal_work ask JOURNAL ORDERS ROWS

Each prints its figures as JSON.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from contextlib import closing, contextmanager
from itertools import islice
from statistics import median
from typing import TYPE_CHECKING
from uuid import uuid4

import orjson
import uvloop

from batch.journal.entries import Begin, Change, End
from batch.journal.history import stories_of
from batch.journal.journal import Journal
from batch.journal.recorder import Recorder
from batch.journal.states import State
from batch.marketplace.call import Kind
from batch.marketplace.verdict import Meaning
from batch.plan import PlannedOrder
from tests.bench.workload import Workload, purchase_order

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from batch.journal.entries import Entry
    from batch.marketplace.orders import ShippingUpdate

    _ToSend = tuple[int, str, ShippingUpdate]  # an order of the journal, the id of its call, what it says

SELLER = "sandbox-client-0"
BLOCK = 256  # orders, where blocks are made by hand
LOOKUPS = 200
_AT = 1_795_305_600_000  # UTC epoch milliseconds
_IN_A_MILLISECOND = 4  # orders, where nothing limits a run
_YOUNG_OBJECTS = 100_000  # between two looks of the garbage collector, as in a run


def record(folder: str, orders: str, workers: str) -> dict[str, float]:
    """Return the microseconds of CPU an order: to plan it, to send it through the recorder, and in blocks.

    Correlation ids are at hand, as in a run: whoever makes a call names it.
    """
    gc.set_threshold(_YOUNG_OBJECTS)
    updates = _updates(int(orders))
    calls = [str(uuid4()) for _ in updates]
    told: dict[str, float] = {}
    with closing(Journal.open(f"sqlite:///{folder}/recorded.db")) as journal:
        with _cpu(told, "plan", len(updates)):
            ids = _planned(journal, updates)
        run = _run(journal)
        with _cpu(told, "recorder", len(updates)):
            _send_through_recorder(journal, run, list(zip(ids, calls, updates, strict=True)), int(workers))
    with closing(Journal.open(f"sqlite:///{folder}/blocks.db")) as journal:
        ids, run = _planned(journal, updates), _run(journal)
        with _cpu(told, "blocks", len(updates)):
            _write(journal, run, zip(ids, calls, updates, strict=True))
    return told


def write_orders(journal: Journal, orders: int, workers: int) -> None:
    """Plan so many orders, and write what sending them writes, through the recorder."""
    updates = _updates(orders)
    _send_through_recorder(journal, _run(journal), _to_send(journal, updates), workers)


def _send_through_recorder(journal: Journal, run: int, orders: Sequence[_ToSend], workers: int) -> None:
    """Write what sending these orders writes, for so many workers at once."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_recorded(journal, run, orders, workers))


def fill(file: str, orders: str) -> dict[str, float]:
    """Make a journal in which so many orders have been shipped."""
    with closing(Journal.open(f"sqlite:///{file}")) as journal:
        run, left = _run(journal), iter(range(int(orders)))
        while numbers := list(islice(left, 50_000)):
            updates = [Workload(1, 1).update(number, 1) for number in numbers]
            _write(journal, run, iter(_to_send(journal, updates)))
    return {}


def ask(file: str, orders: str, rows: str) -> dict[str, float]:
    """Return the milliseconds of a look at one order, and the seconds of finding so many rows to be repetitions."""
    every = max(1, int(orders) // LOOKUPS)
    looks = [_look(file, purchase_order(number)) for number in range(0, int(orders), every)]
    planned = [_order(Workload(1, 1).update(number, 1)) for number in range(int(rows))]
    with closing(Journal.open(f"sqlite:///{file}")) as journal:
        began = time.perf_counter()
        known = journal.plan(SELLER, planned, _AT)
        took = time.perf_counter() - began
    assert all(one.state is State.SHIPPED for one in known)
    return {"order": median(looks) * 1000, "repeated": took}


def _look(file: str, order: str) -> float:
    """Return the seconds that it takes to open the journal and read all about an order."""
    began = time.perf_counter()
    journal = Journal.open_existing(f"sqlite:///{file}")
    assert journal is not None
    with closing(journal):
        (story,) = stories_of(journal.database, order)
    assert story.attempts
    return time.perf_counter() - began


async def _recorded(journal: Journal, run: int, orders: Sequence[_ToSend], workers: int) -> None:
    left = iter(orders)

    async def work(recorder: Recorder) -> None:
        for order in left:
            begin, end, change = _entries(run, *order)
            await recorder.write(begin)
            await recorder.write(end, change)

    async with Recorder(journal) as recorder:
        await asyncio.gather(*(work(recorder) for _ in range(workers)))


def _write(journal: Journal, run: int, orders: Iterator[_ToSend]) -> None:
    while some := list(islice(orders, BLOCK)):
        entries = [_entries(run, *order) for order in some]
        journal.apply([begin for begin, _, _ in entries])
        journal.apply([entry for _, end, change in entries for entry in (end, change)])


def _entries(run: int, order: int, call: str, update: ShippingUpdate) -> tuple[Entry, Entry, Entry]:
    """Return what is written for one update: it begins, its call ends, and so does the order."""
    at = _AT + order // _IN_A_MILLISECOND
    begin = Begin(
        order=order, seller=SELLER, run=run, kind=Kind.SHIP, correlation_id=call, at=at, update=update, parts=(0,)
    )
    end = End(order=order, correlation_id=call, at=at, status=200, verdict=Meaning.ACCEPTED, reason="")
    return begin, end, Change(order=order, to=State.SHIPPED, at=at)


def _updates(orders: int) -> list[ShippingUpdate]:
    return [Workload(1, 1).update(number, 1) for number in range(orders)]


def _order(update: ShippingUpdate) -> PlannedOrder:
    return PlannedOrder(update.purchase_order_id, "", update.parcels, ((0,),))


def _planned(journal: Journal, updates: Sequence[ShippingUpdate]) -> list[int]:
    return [one.id for one in journal.plan(SELLER, map(_order, updates), _AT)]


def _to_send(journal: Journal, updates: Sequence[ShippingUpdate]) -> list[_ToSend]:
    return [(order, str(uuid4()), update) for order, update in zip(_planned(journal, updates), updates, strict=True)]


def _run(journal: Journal) -> int:
    return journal.begin_run(run=str(uuid4()), seller=SELLER, account="default", command="run", at=_AT)


@contextmanager
def _cpu(told: dict[str, float], name: str, orders: int) -> Iterator[None]:
    """Note the microseconds of CPU an order that the block costs, all threads."""
    began = time.process_time()
    yield
    told[name] = (time.process_time() - began) / orders * 1e6


WORK: dict[str, Callable[..., dict[str, float]]] = {"record": record, "fill": fill, "ask": ask}


if __name__ == "__main__":
    name, *given = sys.argv[1:]
    sys.stdout.buffer.write(orjson.dumps(WORK[name](*given)))
