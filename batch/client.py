"""The marketplace for programs: one call each, no file, no journal.

    from batch.client import Client, Parcel

    parcel = Parcel(line_number="1", quantity=1, carrier="CPC", tracking_number="7035114477138472", shipped_at=when)
    with Client(client_id="...", client_secret="...") as client:
        client.ship("1796277083022", parcel)

Both dialects: `api="walmart-canada"` with `consumer_id`, `channel_type` and `private_key` signs every request. Nothing
is ever sent twice, but for one more attempt with a fresh token or signature after the marketplace turned the first away
as unauthorised. What does not succeed raises, by meaning:

    MarketplaceError        carries the verdict
    ├── Refused             the marketplace said no; `verdict.reason` says what to do
    │   ├── NotFound        no such order
    │   └── AlreadyShipped  a line is shipped: compare its tracking before you take that for success
    ├── Throttled           certainly not done: the limit is reached; `headers` may say when it goes on
    ├── Unauthorised        certainly not done: credentials or settings are wrong
    ├── Unavailable         certainly not done, or a mere reading: try again later
    └── OutcomeUnknown      perhaps done: read the order (`confirmed` compares) before you send anything again
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import AsyncExitStack
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Self, TypedDict, TypeVar, Unpack, cast

from msgspec.structs import replace
from pydantic import ValidationError

from batch.errors import CredentialsRefused, Exit, SettingsError, ShipbatchError
from batch.marketplace.call import Answer
from batch.marketplace.confirmation import confirmed
from batch.marketplace.exchange import Exchange, Reply, fresh_correlation_id, open_exchange
from batch.marketplace.orders import LineStatus, Order, OrderLine, Parcel, ShippingUpdate
from batch.marketplace.verdict import Meaning, Verdict
from batch.settings import Account

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path
    from types import TracebackType

    from batch.marketplace.call import Call

__all__ = [
    "AlreadyShipped",
    "AsyncClient",
    "Client",
    "ClientSettings",
    "LineStatus",
    "MarketplaceError",
    "NotFound",
    "Order",
    "OrderLine",
    "OutcomeUnknown",
    "Parcel",
    "Refused",
    "Throttled",
    "Unauthorised",
    "Unavailable",
    "confirmed",
    "epoch_ms",
]

_Result = TypeVar("_Result")


class ClientSettings(TypedDict, total=False):
    """What a client is made with: the keys of an account in the settings file, with the same meaning and defaults."""

    api: Literal["walmart-global", "walmart-canada"]
    base_url: str
    market: str
    client_id: str
    client_secret: str
    client_secret_file: Path | str
    consumer_id: str
    channel_type: str
    private_key: str
    private_key_file: Path | str
    service_name: str
    ship_from_country: str  # of parcels that name none
    method_code: str  # of parcels that name none
    workers: int  # connections at most
    timeout: float  # seconds, one request


class MarketplaceError(ShipbatchError):
    """The marketplace did not do what was asked."""

    def __init__(self, verdict: Verdict, headers: Mapping[str, str] = MappingProxyType({})) -> None:
        self.verdict = verdict
        self.headers = headers  # of the answer
        super().__init__(verdict.reason)


class Refused(MarketplaceError):  # noqa: N818 - named by its meaning
    """The marketplace said no."""

    exit_code = Exit.NEEDS_PERSON


class NotFound(Refused):
    """The marketplace knows no such order."""


class AlreadyShipped(Refused):
    """The marketplace says that a line is shipped already."""


class Throttled(MarketplaceError):  # noqa: N818 - named by its meaning
    """The marketplace's limit is reached; nothing was done."""

    exit_code = Exit.TEMPORARY


class Unauthorised(MarketplaceError, CredentialsRefused):  # noqa: N818 - named by its meaning
    """The marketplace refused the credentials; nothing was done."""


class Unavailable(MarketplaceError):  # noqa: N818 - named by its meaning
    """The marketplace cannot be reached or has an outage; nothing was done."""

    exit_code = Exit.TEMPORARY


class OutcomeUnknown(MarketplaceError):  # noqa: N818 - named by its meaning
    """The answer to a change was lost: it may have been made."""

    exit_code = Exit.UNKNOWN


_ERRORS = MappingProxyType(
    {
        Meaning.REFUSED: Refused,
        Meaning.THROTTLED: Throttled,
        Meaning.UNAUTHORISED: Unauthorised,
        Meaning.UNAVAILABLE: Unavailable,
        Meaning.UNKNOWN: OutcomeUnknown,
    }
)


def epoch_ms(time: datetime) -> int:
    """Return a time as `Parcel.shipped_at` needs it. Raises ValueError for a time without zone."""
    if time.tzinfo is None:
        raise ValueError("the time names no zone")
    return round(time.timestamp() * 1000)


class AsyncClient:
    """The marketplace for programs that use asyncio: `async with AsyncClient(...) as client`.

    Made with the keys of `ClientSettings`. Raises SettingsError, with one sentence for each mistake, when it is made or
    opened. Calls may be made at the same time; the limits of the marketplace are the caller's to keep.
    """

    def __init__(self, **settings: Unpack[ClientSettings]) -> None:
        self._account = _account(settings)
        self._opened = AsyncExitStack()
        self._exchange: Exchange | None = None

    async def __aenter__(self) -> Self:
        self._exchange = await self._opened.enter_async_context(open_exchange(self._account))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._exchange = None
        await self._opened.aclose()

    async def ship(
        self,
        purchase_order_id: str,
        *parcels: Parcel,
        override_intent_to_cancel: bool = False,
        shipment_numbers: Sequence[str] = (),
    ) -> Order:
        """Mark parcels of an order as shipped; this charges the buyer and cannot be undone.

        Every parcel needs line number, quantity, carrier and ship time; what else is blank comes from the client's
        settings. `shipment_numbers`: see `ShippingUpdate`. Returns the order as the marketplace answered it, which may
        be a copy from before the update. Raises MarketplaceError, or ValueError for a parcel that cannot be sent.
        """
        update = ShippingUpdate(
            purchase_order_id=purchase_order_id,
            parcels=self._complete(parcels),
            shipment_numbers=tuple(shipment_numbers),
            override_intent_to_cancel=override_intent_to_cancel,
        )
        return await self._order(self._opened_exchange().dialect.ship(update))

    async def edit(self, purchase_order_id: str, *parcels: Parcel, replaces: Sequence[str]) -> Order:
        """Change the tracking of parcels that are shipped. `replaces`: beside each parcel the number to be replaced.

        Returns and raises as `ship`.
        """
        update = ShippingUpdate(
            purchase_order_id=purchase_order_id, parcels=self._complete(parcels), replaces=tuple(replaces)
        )
        if not update.replaces:
            raise ValueError("an edit names the tracking number that each parcel takes the place of")
        return await self._order(self._opened_exchange().dialect.ship(update))

    async def read(self, purchase_order_id: str) -> Order:
        """Return the order as it is now. Raises MarketplaceError."""
        return await self._order(self._opened_exchange().dialect.read(purchase_order_id))

    async def acknowledge(self, purchase_order_id: str) -> None:
        """Acknowledge all lines of an order; one that is further on already is left as it is. Raises MarketplaceError.

        Returns nothing, for the answer shows the order as it was before: read it.
        """
        await self._verdict(self._opened_exchange().dialect.acknowledge(purchase_order_id))

    async def find(self, customer_order_id: str) -> tuple[Order, ...]:
        """Return the purchase orders of a customer order, none where there are none. Raises MarketplaceError."""
        return (await self._verdict(self._opened_exchange().dialect.find(customer_order_id))).orders

    async def _order(self, call: Call) -> Order:
        return cast("Order", (await self._verdict(call)).order)  # what is accepted shows its order

    async def _verdict(self, call: Call) -> Verdict:
        exchange = self._opened_exchange()
        reply = await exchange(call, fresh_correlation_id())
        if exchange.renew(reply):
            reply = await exchange(call, fresh_correlation_id())
        if not reply.verdict.done:
            raise _error(reply)
        return reply.verdict

    def _opened_exchange(self) -> Exchange:
        if self._exchange is None:
            raise RuntimeError("the client is not open; use it in a with statement")
        return self._exchange

    def _complete(self, parcels: Sequence[Parcel]) -> tuple[Parcel, ...]:
        return tuple(
            replace(
                parcel,
                method_code=parcel.method_code or self._account.method_code,
                ship_from_country=parcel.ship_from_country or self._account.ship_from_country,
            )
            for parcel in parcels
        )


class Client:
    """The marketplace for programs: `with Client(...) as client`. Safe to share between threads.

    The same as `AsyncClient`, whose methods say what is returned and raised. Its event loop runs in a thread of its
    own, so that it can be used where another loop runs already.
    """

    def __init__(self, **settings: Unpack[ClientSettings]) -> None:
        self._client = AsyncClient(**settings)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="marketplace", daemon=True)
        self._thread.start()
        try:
            self._run(self._client.__aenter__())
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self._run(self._client.__aexit__(kind, error, traceback))
        finally:
            self._stop()

    def ship(
        self,
        purchase_order_id: str,
        *parcels: Parcel,
        override_intent_to_cancel: bool = False,
        shipment_numbers: Sequence[str] = (),
    ) -> Order:
        """Mark parcels of an order as shipped, as `AsyncClient.ship`."""
        return self._run(
            self._client.ship(
                purchase_order_id,
                *parcels,
                override_intent_to_cancel=override_intent_to_cancel,
                shipment_numbers=shipment_numbers,
            )
        )

    def edit(self, purchase_order_id: str, *parcels: Parcel, replaces: Sequence[str]) -> Order:
        """Change the tracking of parcels that are shipped, as `AsyncClient.edit`."""
        return self._run(self._client.edit(purchase_order_id, *parcels, replaces=replaces))

    def read(self, purchase_order_id: str) -> Order:
        """Return the order as it is now, as `AsyncClient.read`."""
        return self._run(self._client.read(purchase_order_id))

    def acknowledge(self, purchase_order_id: str) -> None:
        """Acknowledge all lines of an order, as `AsyncClient.acknowledge`."""
        self._run(self._client.acknowledge(purchase_order_id))

    def find(self, customer_order_id: str) -> tuple[Order, ...]:
        """Return the purchase orders of a customer order, as `AsyncClient.find`."""
        return self._run(self._client.find(customer_order_id))

    def _run(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        if self._loop is None:
            work.close()
            raise RuntimeError("the client is not open; use it in a with statement")
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        finally:
            future.cancel()  # does nothing unless we were interrupted while waiting

    def _stop(self) -> None:
        loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
        if loop and thread:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()


def _account(settings: ClientSettings) -> Account:
    """Return the settings as an account. Raises SettingsError, which never quotes a value: it may be a secret."""
    try:
        return Account.model_validate(settings)
    except ValidationError as error:
        problems = [
            f"{'.'.join(map(str, problem['loc']))}: {problem['msg'].removeprefix('Value error, ')}"
            for problem in error.errors(include_input=False, include_url=False)
        ]
    raise SettingsError(problems)


def _error(reply: Reply) -> MarketplaceError:
    verdict = reply.verdict
    kind: type[MarketplaceError] = _ERRORS[verdict.meaning]
    if kind is Refused:
        kind = NotFound if verdict.missing else AlreadyShipped if verdict.already_shipped else Refused
    return kind(verdict, reply.answer.headers if isinstance(reply.answer, Answer) else {})
