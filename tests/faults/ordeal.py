"""A trial in which things go wrong: faults at the marketplace, and processes that die."""

from __future__ import annotations

import csv
import json
import shutil
import threading
import urllib.request
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any
from unittest import mock

from batch.crashpoints import KILLED, VARIABLE
from batch.sandbox import Options, Rules
from batch.sandbox.demo import KEY_FILE
from batch.sandbox.orders import LEFT_THE_HOUSE
from tests import forked
from tests.trial import APIS, Trial, begun_trial

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from batch.sandbox import Sandbox
    from tests.faults.parcels import Key
    from tests.forked import Running
    from tests.ran import Ran

TEMPORARY = (4, 5, 7, 130, 143)  # exit codes after which `resume` goes on
_OVERHEARD = ("WM_SEC.AUTH_SIGNATURE", "WM_SEC.ACCESS_TOKEN", "Authorization")
_MOST_RESUMES = 10
_PATIENCE = 3000  # looks, a hundredth of a second apart


@dataclass(frozen=True, slots=True)
class Ordeal(Trial):
    """A trial that remembers every command and every secret that was said."""

    ran: list[Ran] = field(default_factory=list)
    overheard: set[str] = field(default_factory=set)
    numbers: Iterator[int] = field(default_factory=count)
    variables: dict[str, str] = field(default_factory=dict)  # of every command's environment

    @property
    def journal(self) -> str:
        """The journal's address, where it is not the file that the settings name."""
        return self.variables.get("SHIPBATCH_JOURNAL", "")

    def environment(self, **more: str) -> dict[str, str]:
        """Return the environment in which the commands run."""
        return Trial.environment(self, **(self.variables | more))  # a class with slots is made anew: no super()

    def begin(
        self,
        *arguments: object,
        crash_at: str = "",
        env: Mapping[str, str] | None = None,
        first: Callable[[], None] | None = None,
    ) -> Running:
        """Start a command and do not wait for it; it may die at a step (see batch.crashpoints)."""
        output = self.folder / "output" / str(next(self.numbers))
        output.parent.mkdir(exist_ok=True)
        environment = self.environment(**(env or {}), **({VARIABLE: crash_at} if crash_at else {}))
        words = [str(argument) for argument in arguments]
        return forked.start(words, folder=self.folder, environment=environment, output=output, first=first)

    def ended(self, running: Running) -> Ran:
        """Wait for the end of a command, and remember it."""
        self.ran.append(running.ended())
        return self.ran[-1]

    def killed(self, running: Running) -> Ran:
        """Kill a command, and remember it."""
        self.ran.append(running.kill())
        return self.ran[-1]

    def does(
        self,
        *arguments: object,
        crash_at: str = "",
        env: Mapping[str, str] | None = None,
        first: Callable[[], None] | None = None,
    ) -> Ran:
        """Run a command to its end, or its death."""
        return self.ended(self.begin(*arguments, crash_at=crash_at, env=env, first=first))

    def until(self, condition: Callable[[], object]) -> None:
        """Wait until something is so."""
        pause = threading.Event()
        for _ in range(_PATIENCE):
            if condition():
                return
            pause.wait(0.01)
        raise AssertionError("it does not come about")

    def resume_until_ended(self) -> Ran:
        """Resume, as the night does, until there is nothing left that could change by itself."""
        for _ in range(_MOST_RESUMES):
            ran = self.does("resume", "--json")
            if ran.code not in TEMPORARY:
                return ran
        raise AssertionError(f"{_MOST_RESUMES} resumes have not ended it: {ran}")

    def goes_wrong(self, *rules: Mapping[str, object], seed: int = 0) -> None:
        """Let the marketplace go wrong by this script from now on; by none: go well."""
        self._control("faults", {"rules": list(rules), "seed": seed})

    def cancel(self, purchase_order_id: str) -> None:
        """Let the buyer cancel what is still open of an order."""
        self._control(f"orders/{purchase_order_id}/cancel", {})

    def expire_tokens(self) -> None:
        """Let all access tokens end now."""
        self._control("token/expire", {})

    def _control(self, path: str, body: object) -> None:
        request = urllib.request.Request(f"{self.url}/_sandbox/{path}", json.dumps(body).encode(), method="POST")  # noqa: S310 - http, loopback
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - the same
            assert answer.status == 200

    # What there is to see afterwards

    @property
    def requests(self) -> Mapping[str, int]:
        """Requests that reached the marketplace, by kind."""
        return dict(self.sandbox.counters.requests)

    @property
    def changes_asked(self) -> int:
        """How many requests came that change an order."""
        return sum(self.requests.get(kind, 0) for kind in ("ship", "edit", "acknowledge"))

    @property
    def deaths(self) -> int:
        """How many commands died a sudden death."""
        return sum(ran.code in (KILLED, -9) for ran in self.ran)

    @property
    def shipped_there(self) -> dict[Key, int]:
        """Units that the marketplace shows as shipped, by purchase order, line and tracking number."""
        shown: dict[Key, int] = {}
        for order in self.sandbox.state.orders.values():
            for line in order.lines.values():
                for units in line.units:
                    if units.status in LEFT_THE_HOUSE:
                        for package in units.packages:
                            key = (order.purchase_order_id, line.number, package.tracking_number)
                            shown[key] = shown.get(key, 0) + units.quantity
        return shown

    def outcomes(self, ran: Ran) -> dict[str, str]:
        """Return each order's outcome in the report of a run that was made with --json."""
        return {row["purchaseOrderId"]: row["outcome"] for row in self.orders(ran)}

    def reasons(self, ran: Ran) -> set[str]:
        """Return what the report of a run says about its rows."""
        return {row["_reason"] for row in self.rows(ran)}

    def orders(self, ran: Ran) -> list[dict[str, str]]:
        """Return orders.csv of a run that was made with --json."""
        with (self.report(ran) / "orders.csv").open(newline="", encoding="utf-8-sig") as stream:
            return list(csv.DictReader(stream))

    def history(self) -> list[dict[str, Any]]:
        """Return all runs that the journal knows, the latest first."""
        told: list[dict[str, Any]] = json.loads(self.does("history", "--json", "--most", 10_000).out or "[]")
        return told


@contextmanager
def begun_ordeal(
    folder: Path,
    api: str = APIS[0],
    options: Options | None = None,
    *,
    key: Path | None = None,
    journal: str = "",
    **settings: object,
) -> Iterator[Ordeal]:
    """Serve a sandbox that charges again for what is sent again, and give a folder with settings for it.

    `key`: a private key that is there already. `journal`: an address in the place of a file's. `settings`: further keys
    of the account.
    """
    if key is not None:
        shutil.copy(key, folder / KEY_FILE)
    with begun_trial(folder, api, options or Options(rules=Rules(refuse_reship=False))) as trial, ExitStack() as ears:
        ordeal = Ordeal(trial.folder, trial.sandbox, trial.url, trial.api)
        ordeal.write_settings(**{"settle_time": 0.3, **settings})
        if journal:
            ordeal.variables["SHIPBATCH_JOURNAL"] = journal
        _listen(ears, trial.sandbox, ordeal.overheard)
        yield ordeal


def _listen(ears: ExitStack, sandbox: Sandbox, overheard: set[str]) -> None:
    """Remember what every request bore to prove who spoke."""
    access = sandbox.server.access
    for name in ("signed", "with_token", "issue"):
        admit = getattr(access, name)

        def hear(headers: Mapping[str, str], *rest: Any, admit: Any = admit, **more: Any) -> object:  # noqa: ANN401 - passed on
            overheard.update(text for header in _OVERHEARD if (text := headers.get(header)))
            return admit(headers, *rest, **more)

        ears.enter_context(mock.patch.object(access, name, hear))
