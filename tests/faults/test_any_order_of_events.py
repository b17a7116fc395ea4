"""Whatever happens, in whatever order: files are dropped and edited, runs die, the marketplace fails, buyers cancel."""

from __future__ import annotations

import random
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from batch.sandbox import Status
from tests.faults.checker import check, check_meanwhile
from tests.faults.ordeal import begun_ordeal
from tests.faults.parcels import Row, by_customer, orders, tracking
from tests.trial import APIS, HEADER

if TYPE_CHECKING:
    from tests.faults.ordeal import Ordeal

CALLS = ["ship", "ship", "ship", "read", "acknowledge", "token"]
FAULTS = [
    "reset-before",
    "reset-after",
    "late-commit",
    "500",
    "503",
    "504-after",
    "520-after",
    "423",
    "429",
    "html",
    "empty",
    "truncated",
    "partial-echo",
    "stale-answer",
    "outage-400",
    "errors-200",
    "unauthorised",
    "cancel-first",
]
LONGEST_RUN = "6s"


class Events(RuleBasedStateMachine):
    """A seller's days, each worse than the other."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="events-"))
        self.opened = ExitStack()
        self.rows: dict[Path, list[Row]] = {}
        self.orders = 0

    @initialize(
        api=st.sampled_from(APIS),
        preflight=st.sampled_from([True, True, False]),
        on_bad_row=st.sampled_from(["hold-order", "send-rest"]),
        later_parcels=st.sampled_from(["hold", "send"]),
    )
    def begin(self, api: str, *, preflight: bool, on_bad_row: str, later_parcels: str) -> None:
        self.preflight = preflight
        begun = begun_ordeal(
            self.folder,
            api,
            attempts=3,
            outages=8,
            preflight=preflight,
            on_bad_row=on_bad_row,
            later_parcels=later_parcels,
        )
        self.ordeal: Ordeal = self.opened.enter_context(begun)

    def teardown(self) -> None:
        try:
            self.end_well()
        finally:
            self.opened.close()
            shutil.rmtree(self.folder)

    # What happens

    @rule(count=st.integers(1, 3), created=st.booleans())
    def drop(self, count: int, *, created: bool) -> None:
        rows = orders(count, first=self.orders)
        self.orders += count
        file = self._written(rows)
        self.ordeal.fill(file, status=Status.CREATED if created else Status.ACKNOWLEDGED)

    @precondition(lambda self: self.rows and self.preflight)
    @rule(data=st.data())
    def edit(self, data: st.DataObject) -> None:
        """Drop a file again in which one tracking number is another.

        Without preflight only the marketplace knows that there is nothing left to ship, and this one lets all through.
        """
        rows = [*self.rows[data.draw(st.sampled_from(sorted(self.rows)))]]
        place = data.draw(st.integers(0, len(rows) - 1))
        rows[place] = rows[place]._replace(tracking_number=tracking(10_000 + len(self.rows)))
        self._written(rows)

    @precondition(lambda self: self.rows)
    @rule(data=st.data(), anew=st.booleans())
    def drop_again(self, data: st.DataObject, *, anew: bool) -> None:
        """Drop the rows of a file again, sorted anew or by their customer orders."""
        rows = self.rows[data.draw(st.sampled_from(sorted(self.rows)))]
        self._written(rows[::-1] if anew else rows, customers=not anew)

    @rule(kind=st.sampled_from(CALLS), action=st.sampled_from(FAULTS), nth=st.integers(1, 6), times=st.integers(1, 4))
    def fault(self, kind: str, action: str, nth: int, times: int) -> None:
        seconds = 0.15 if action != "429" else 0.3
        match = {"kind": kind, "every": nth}
        self.ordeal.goes_wrong({"match": match, "do": action, "times": times, "seconds": seconds})

    @precondition(lambda self: self.orders)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        self.ordeal.cancel(data.draw(st.sampled_from(sorted(self.ordeal.sandbox.state.orders))))

    @precondition(lambda self: self.rows)
    @rule(data=st.data(), crash_at=st.sampled_from([0, 0, *range(1, 50)]))
    def run(self, data: st.DataObject, crash_at: int) -> None:
        """Run some files; the process may die at a step."""
        files = data.draw(st.sets(st.sampled_from(sorted(self.rows)), min_size=1, max_size=3))
        self.ordeal.does("run", *sorted(files), "--for", LONGEST_RUN, "--json", crash_at=str(crash_at or ""))

    @precondition(lambda self: self.rows)
    @rule(requests=st.integers(1, 12))
    def kill(self, requests: int) -> None:
        """Run all files, and kill the process after so many requests have come."""
        before = sum(self.ordeal.requests.values())
        running = self.ordeal.begin("run", *sorted(self.rows), "--for", LONGEST_RUN)
        self.ordeal.until(
            lambda: sum(self.ordeal.requests.values()) >= before + requests or not running.process.is_alive()
        )
        self.ordeal.killed(running)

    @rule(crash_at=st.sampled_from([0, 0, *range(1, 40)]), refused=st.booleans())
    def resume(self, crash_at: int, *, refused: bool) -> None:
        more = ["--refused"] if refused else []
        self.ordeal.does("resume", *more, "--for", LONGEST_RUN, "--json", crash_at=str(crash_at or ""))

    @precondition(lambda self: self.orders and self.preflight)
    @rule(data=st.data())
    def decide(self, data: st.DataObject) -> None:
        """Say of an order, rightly or wrongly, that it is to be sent: it is read first."""
        order = data.draw(st.sampled_from(sorted(self.ordeal.sandbox.state.orders)))
        self.ordeal.does("settle", order, "--as", "send", "--note", "a guess")

    # What must be so, come what may

    @invariant()
    def nobody_was_charged_twice_and_no_report_lies(self) -> None:
        if self.rows:
            check_meanwhile(self.ordeal, *self.rows)

    def end_well(self) -> None:
        """Let nothing go wrong any more, and see whether all is accounted for."""
        if not self.rows:
            return
        self.ordeal.goes_wrong()
        self.ordeal.resume_until_ended()
        self.ordeal.does("run", *sorted(self.rows), "--json")
        check(self.ordeal, *sorted(self.rows), orders=0, faults=0)

    def _written(self, rows: list[Row], *, customers: bool = False) -> Path:
        header = ("customerOrderId" if customers else HEADER[0], *HEADER[1:])
        file = self.ordeal.write(f"{len(self.rows)}.csv", *(by_customer(rows) if customers else rows), header=header)
        self.rows[file] = rows
        return file


def test_nobody_is_charged_twice_and_nothing_lost_in_any_order_of_events() -> None:
    """The seed of this run's tests, which is printed, gives the same events again. A failure is told with its steps."""
    bounded = settings(
        max_examples=4,
        stateful_step_count=12,
        deadline=None,
        database=None,
        phases=(Phase.generate,),  # shrinking would take long
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(seed(random.getrandbits(32))(Events), settings=bounded)
