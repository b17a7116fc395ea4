"""What we are measured against: each a program that does one thing and nothing else.

    python -m tests.bench.baselines NAME ARGUMENT...

What sends prints how long its loop took, in seconds.
"""

from __future__ import annotations

import asyncio
import base64
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

CONNECTIONS = 64
_HEADERS = {
    "Accept": "application/json",
    "Content-Type": "application/json",
    "WM_SVC.NAME": "Walmart Marketplace",
    "WM_MARKET": "ca",
    "WM_GLOBAL_VERSION": "3.1",
}
_ASKING = b"grant_type=client_credentials"
_WHO = {
    **_HEADERS,
    "Content-Type": "application/x-www-form-urlencoded",
    "Authorization": "Basic " + base64.b64encode(b"sandbox-client-0:sandbox-secret-0").decode(),
}


def bare_aiohttp(url: str, bodies: str) -> None:
    """Send encoded bodies over 64 connections, as fast as aiohttp and uvloop do."""
    import uvloop  # noqa: PLC0415 - each baseline starts with what it needs

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_bare_aiohttp(url, bodies))


async def _bare_aiohttp(url: str, bodies: str) -> None:
    import aiohttp  # noqa: PLC0415 - the same

    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:
        headers = await _with_token(url, session)

        async def send(order: str, body: bytes) -> None:
            async with session.post(_of(url, order), data=body, headers=_fresh(headers)) as response:
                _check(response.status, await response.read(), order)

        await _timed(send, bodies)


async def _with_token(url: str, session: Any) -> dict[str, str]:  # noqa: ANN401 - aiohttp's, which is imported late
    async with session.post(f"{url}/v3/token", data=_ASKING, headers=_fresh(_WHO)) as response:
        return {**_HEADERS, "WM_SEC.ACCESS_TOKEN": (await response.json())["access_token"]}


def httpx_64(url: str, bodies: str) -> None:
    """Send encoded bodies over 64 connections of an httpx AsyncClient."""
    asyncio.run(_httpx_64(url, bodies))


async def _httpx_64(url: str, bodies: str) -> None:
    import httpx  # noqa: PLC0415 - the same

    limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
    async with httpx.AsyncClient(limits=limits, timeout=60) as client:
        token = (await client.post(f"{url}/v3/token", content=_ASKING, headers=_fresh(_WHO))).json()["access_token"]
        headers = {**_HEADERS, "WM_SEC.ACCESS_TOKEN": token}

        async def send(order: str, body: bytes) -> None:
            response = await client.post(_of(url, order), content=body, headers=_fresh(headers))
            _check(response.status_code, response.content, order)

        await _timed(send, bodies)


def requests_loop(url: str, bodies: str) -> None:
    """Send encoded bodies one after the other over one kept connection of requests."""
    import requests  # noqa: PLC0415 - the same

    with requests.Session() as session:
        token = session.post(f"{url}/v3/token", data=_ASKING, headers=_fresh(_WHO), timeout=60).json()["access_token"]
        headers = {**_HEADERS, "WM_SEC.ACCESS_TOKEN": token}
        began = time.perf_counter()
        for order, body in _updates(bodies):
            response = session.post(_of(url, order), data=body, headers=_fresh(headers), timeout=60)
            _check(response.status_code, response.content, order)
        _tell(time.perf_counter() - began)


async def _timed(send: Callable[[str, bytes], Awaitable[None]], bodies: str) -> None:
    """Let 64 workers send all updates, and tell how long that took."""
    updates = _updates(bodies)

    async def work() -> None:
        for order, body in updates:
            await send(order, body)

    began = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(CONNECTIONS)))
    _tell(time.perf_counter() - began)


def _updates(bodies: str) -> Iterator[tuple[str, bytes]]:
    lines = [line.partition(b"\t") for line in Path(bodies).read_bytes().splitlines()]
    return iter([(order.decode(), body) for order, _, body in lines])


def _of(url: str, order: str) -> str:
    return f"{url}/v3/orders/{order}/shipping"


def _fresh(headers: dict[str, str]) -> dict[str, str]:
    return {**headers, "WM_QOS.CORRELATION_ID": str(uuid4())}


def _check(status: int, body: bytes, order: str) -> None:
    if status != 200 or order.encode() not in body:
        raise SystemExit(f"order {order}: answered {status}")


def read_csv(file: str) -> None:
    """Read a CSV file, all cells as text."""
    import pandas as pd  # noqa: PLC0415 - the same

    pd.read_csv(file, engine="c", dtype=str)


def read_calamine(file: str) -> None:
    """Read all cells of a workbook's first sheet."""
    from python_calamine import CalamineWorkbook  # noqa: PLC0415 - the same

    CalamineWorkbook.from_path(file).get_sheet_by_index(0).to_python()


def sign(key_file: str, seconds: str) -> None:
    """Sign on one core for so many seconds, and tell how many signatures a second that were."""
    from batch.marketplace.signature import Signer, load_private_key  # noqa: PLC0415 - the same

    signer = Signer("00000000-0000-4000-8000-000000000000", load_private_key(Path(key_file).read_text()))
    url = "http://127.0.0.1:18999/v3/ca/orders/309121000000000/shipping"
    count, began = 0, time.perf_counter()
    while (took := time.perf_counter() - began) < float(seconds):
        signer.sign(signer.text(url=url, method="POST", timestamp_ms=1_764_000_000_000 + count))
        count += 1
    _tell(count / took)


def _tell(figure: float) -> None:
    sys.stdout.write(f"{figure}\n")


BASELINES: dict[str, Callable[..., None]] = {
    baseline.__name__: baseline for baseline in (bare_aiohttp, httpx_64, requests_loop, read_csv, read_calamine, sign)
}


if __name__ == "__main__":
    BASELINES[sys.argv[1]](*sys.argv[2:])
