"""A marketplace in memory and in virtual time: the sandbox's state and rules without sockets, a journal beside it."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from enum import StrEnum, auto
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from multidict import CIMultiDict

from batch.journal.recorder import Recorder
from batch.journal.states import OPEN
from batch.marketplace.call import Answer, Call, Kind, NoAnswer
from batch.marketplace.credentials import open_dialect
from batch.marketplace.exchange import Exchange
from batch.marketplace.orders import Parcel
from batch.plan import PlannedOrder
from batch.sandbox import AccessRules, Line, Marketplace, Status, ThrottleHeaders, Units, demo_seller, new_line
from batch.sandbox import Order as MarketOrder
from batch.sandbox.access import Access
from batch.sandbox.answers import one_order
from batch.sandbox.bodies import Package
from batch.sandbox.desk import Asked, Desk
from batch.sandbox.refusals import Refusal, content_refused, outage_400, parameter_refused, system_error, unauthorised
from batch.sandbox.throttle import Throttle
from batch.settings import Account
from batch.submit.conversation import Conversation, Surroundings
from batch.submit.stop import Stop
from batch.submit.submission import Duty, Submission
from tests.unit.submit.virtual import now, run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from batch.journal.entries import JournalOrder
    from batch.journal.journal import Journal
    from batch.journal.states import State
    from batch.sandbox import Kind as SandboxKind
    from batch.sandbox import Limit

NOW_MS = 1_795_550_400_000  # 2026-11-24T20:00:00Z, when the loop's clock says 1000
DAY = 86_400_000
SELLER = "sandbox-client-0"
TORONTO = ZoneInfo("America/Toronto")


def wall_ms() -> int:
    return NOW_MS + round((now() - 1000) * 1000)


async def until(condition: Callable[[], object]) -> None:
    """Wait until it holds, looked at every hundredth of a second of virtual time."""
    while not condition():  # noqa: ASYNC110 - what it waits for is no event of anybody's
        await asyncio.sleep(0.01)


# What the file says


def parcel(line: str = "1", tracking: str = "1Z999AA10123456784", quantity: int = 1, **members: object) -> Parcel:
    said: dict[str, Any] = {"carrier": "UPS", "ship_from_country": "CA", "shipped_at": NOW_MS - 3_600_000}
    return Parcel(line_number=line, tracking_number=tracking, quantity=quantity, **(said | members))


def planned(purchase_order: str = "1", *parcels: Parcel, customer_order: str = "") -> PlannedOrder:
    parcels = parcels or (parcel(),)
    return PlannedOrder(purchase_order, customer_order, parcels, tuple((n,) for n in range(len(parcels))))


# What the marketplace has


def market_order(
    purchase_order: str = "1", *lines: Line, status: Status = Status.ACKNOWLEDGED, **members: object
) -> MarketOrder:
    its_lines = lines or (new_line("1", 1, status),)
    said: dict[str, Any] = {
        "customer_order_id": f"C{purchase_order}",
        "ordered_at": NOW_MS - DAY,
        "ship_by": NOW_MS + DAY,
    }
    return MarketOrder(
        purchase_order_id=purchase_order, lines={line.number: line for line in its_lines}, **(said | members)
    )


def shipped_units(quantity: int = 1, tracking: str = "1Z999AA10123456784", carrier: str = "UPS") -> Units:
    package = Package(
        carrier=carrier, other_carrier="", method="Standard", tracking_number=tracking, shipped_at=NOW_MS - 7_200_000
    )
    return Units(status=Status.SHIPPED, quantity=quantity, packages=(package,), shipped_at=NOW_MS - 7_200_000)


class Fault(StrEnum):
    """What befalls a call."""

    LOST_BEFORE = auto()  # not carried out, and no answer
    LOST_AFTER = auto()  # carried out, and no answer
    LATE = auto()  # no answer; carried out a minute later
    REFUSED_CONNECTION = auto()  # certainly not sent
    STALE = auto()  # carried out; the answer shows the order as it was
    ECHO = auto()  # not carried out; the answer shows the order as it is
    VAGUE = auto()  # the 400 of outages
    BROKEN = auto()  # 500, not carried out
    LOCKED = auto()  # 423
    UNAUTHORISED = auto()
    BAD_NUMBER = auto()  # 400, for a reading
    SHIPPED_STATUS = auto()  # 400: it is shipped already
    BUG = auto()  # of ours


_SAID: dict[Fault | None, Callable[[], Refusal]] = {
    Fault.VAGUE: outage_400,
    Fault.BROKEN: lambda: system_error(500, "SYSTEM_ERROR.GMP_ORDER_API", "System error"),
    Fault.LOCKED: lambda: system_error(423, "RESOURCE_IS_LOCKED.GMP_RECEIVER_API", "Locked"),
    Fault.UNAUTHORISED: unauthorised,
    Fault.SHIPPED_STATUS: lambda: content_refused("The Line: 1 of PO: 1 is in SHIPPED status"),
    Fault.BAD_NUMBER: lambda: parameter_refused("purchaseOrderId", "invalid"),
}


@dataclass(slots=True, kw_only=True)
class Market:
    """The marketplace and the wire to it."""

    folder: Path
    limits: Mapping[SandboxKind, Limit] = field(default_factory=dict)
    tells_limits: bool = True
    latency: float = 0.2  # s, there and back
    state: Marketplace = field(default_factory=Marketplace)
    faults: dict[tuple[str, str], list[Fault]] = field(default_factory=lambda: defaultdict(list))
    calls: list[tuple[float, str, str]] = field(default_factory=list)  # s since the beginning, kind, order
    throttled: int = 0
    desk: Desk = field(init=False)
    late: set[asyncio.Task[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        access = Access((demo_seller(self.folder),), AccessRules(), lambda: "0" * 32)
        throttle = Throttle(self.limits, ThrottleHeaders(told=self.tells_limits))
        self.desk = Desk(self.state, access, throttle)

    def add(self, *orders: MarketOrder) -> None:
        for order in orders:
            self.state.add(order)

    def fail(self, kind: Kind, order: str, *faults: Fault) -> None:
        """Let the next calls of this kind about this order (customer order, for a search) fail, one by one."""
        self.faults[kind, order] += faults

    def said(self, kind: Kind) -> list[str]:
        """Which orders calls of this kind were about."""
        return [order for _, its_kind, order in self.calls if its_kind == kind]

    @property
    def charged(self) -> dict[str, int]:
        """Units charged by purchase order."""
        units: dict[str, int] = defaultdict(int)
        for charge in self.state.charge_log:
            units[charge.purchase_order_id] += charge.units
        return dict(units)

    async def send(self, call: Call, headers: Mapping[str, str]) -> Answer | NoAnswer:
        about = call.purchase_order_id or call.customer_order_id
        waiting = self.faults[call.kind, about]
        fault = waiting.pop(0) if waiting else None
        if fault is Fault.BUG:
            raise ZeroDivisionError
        if fault is Fault.REFUSED_CONNECTION:
            return NoAnswer(sent=False, reason="nobody there")
        if call.kind is not Kind.TOKEN:
            self.calls.append((now() - 1000, call.kind, about))
        await asyncio.sleep(self.latency / 2)
        answer = await self._answer(call, headers, fault)
        await asyncio.sleep(self.latency / 2)
        return answer

    async def _answer(self, call: Call, headers: Mapping[str, str], fault: Fault | None) -> Answer | NoAnswer:
        lost = NoAnswer(sent=True, reason="the connection broke")
        if fault is Fault.LOST_BEFORE:
            return lost
        if fault is Fault.LATE:
            task = asyncio.create_task(self._carry_out_late(call, headers))
            self.late.add(task)
            return lost
        if fault in _SAID:
            reply = self.desk.refuse(_SAID[fault]())
            return Answer(reply.status, CIMultiDict(reply.headers), reply.body)
        before = one_order(self.state.find(call.purchase_order_id)) if fault in (Fault.STALE, Fault.ECHO) else b""
        if fault is Fault.ECHO:
            return Answer(200, CIMultiDict(), before)
        answer = self._carried_out(call, headers)
        if fault is Fault.LOST_AFTER:
            return lost
        return Answer(answer.status, answer.headers, before or answer.body)

    async def _carry_out_late(self, call: Call, headers: Mapping[str, str]) -> None:
        await asyncio.sleep(60)
        self._carried_out(call, headers)

    def _carried_out(self, call: Call, headers: Mapping[str, str]) -> Answer:
        parts = urlsplit(call.url)
        asked = Asked(
            method=call.method,
            path=parts.path,
            query=parts.query,
            url=call.url,
            headers=CIMultiDict(headers),
            body=call.body or b"",
            now=wall_ms(),
            tick=now(),
        )
        reply = self.desk.answer(asked)
        self.throttled += reply.status == 429
        return Answer(reply.status, CIMultiDict(reply.headers), reply.body)


def account_for(folder: Path, api: str = "walmart-global", **settings: object) -> Account:
    seller = demo_seller(folder)
    credentials: dict[str, dict[str, object]] = {
        "walmart-global": {"client_id": seller.client_id, "client_secret": seller.client_secret},
        "walmart-canada": {
            "consumer_id": seller.consumer_id,
            "channel_type": seller.channel_type,
            "private_key_file": seller.key_file,
        },
    }
    given = {"rate": {"ship": 0, "acknowledge": 0, "read": 0}, "settle_time": 60} | settings
    return Account.model_validate({"api": api, "base_url": "http://127.0.0.1:8080", **credentials[api], **given})


@dataclass(slots=True, kw_only=True)
class Trial:
    """One seller with a journal, and runs that are made for it."""

    journal: Journal
    market: Market
    account: Account
    stop: Stop = field(default_factory=Stop)
    number: int = 0

    def plan(self, *orders: PlannedOrder) -> list[int]:
        return [one.id for one in self.journal.plan(self.account.seller, orders, NOW_MS)]

    def order(self, number: int) -> JournalOrder:
        return self.journal.load([number])[0]

    def states(self, numbers: Sequence[int]) -> list[State]:
        return [one.state for one in self.journal.load(numbers)]

    @property
    def calls(self) -> list[tuple[str, str]]:
        """Kind and verdict of each call on record."""
        with self.journal.database.reading() as connection:
            rows = connection.exec_driver_sql("select kind, verdict from attempts order by id").all()
        return [(kind, verdict) for kind, verdict in rows]

    def reason(self, number: int) -> str:
        return str(self.stored(number)["reason"])

    def stored(self, number: int) -> dict[str, Any]:
        with self.journal.database.reading() as connection:
            row = connection.exec_driver_sql("select * from orders where id = ?", (number,)).one()
        return dict(row._mapping)

    def submit(
        self,
        orders: Sequence[int],
        *,
        during: Callable[[Submission], Any] | None = None,
        grace: float = 30.0,
    ) -> Submission:
        """Make one run for these orders, to its end, in virtual time; `during` is a coroutine function beside it."""
        return run(self._submit(orders, during, grace))

    async def _submit(
        self, orders: Sequence[int], during: Callable[[Submission], Any] | None, grace: float
    ) -> Submission:
        self.stop, self.number = Stop(), self.number + 1
        number = self.journal.begin_run(
            run=f"run-{self.number}", seller=self.account.seller, account="default", command="run", at=wall_ms()
        )
        world = Surroundings(clock=now, wall_ms=wall_ms, sleep=asyncio.sleep, random=lambda: 0.5)
        exchange = Exchange(open_dialect(self.account), self.market.send, now_ms=wall_ms, clock=now)
        async with Recorder(self.journal) as recorder:
            conversation = Conversation(
                exchange, recorder, self.account, run=number, stop=self.stop, surroundings=world
            )
            submission = Submission(
                Duty(
                    account=self.account,
                    zone=TORONTO,
                    grace=grace,
                    journal=self.journal,
                    recorder=recorder,
                    conversation=conversation,
                    surroundings=world,
                    stop=self.stop,
                    began=now(),
                )
            )
            left_open = self.journal.in_states(self.account.seller, OPEN)
            beside = asyncio.create_task(during(submission)) if during else None
            await submission.run(orders, left_open=left_open)
            if beside:
                beside.cancel()
            for late in self.market.late:
                late.cancel()
        return submission
