"""A sandbox and clients of both dialects."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from batch.sandbox import Options, Sandbox, demo_key, demo_seller
from tests.unit.sandbox.saying import Talk, order

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    Open = Callable[..., AbstractAsyncContextManager[tuple[Sandbox, Talk]]]


@pytest.fixture(scope="session")
def key_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("key")
    demo_key(folder)
    return folder


@pytest.fixture
def open_sandbox(key_folder: Path) -> Open:
    """Serve a sandbox with one order of one unit; the fixture's value takes the options."""

    @asynccontextmanager
    async def opened(
        *,
        dialect: str = "walmart-global",
        arguments: Mapping[str, Any] | None = None,
        **options: Any,  # noqa: ANN401 - the options' own types
    ) -> AsyncIterator[tuple[Sandbox, Talk]]:
        options.setdefault("sellers", (demo_seller(key_folder), demo_seller(key_folder, 1)))
        sandbox = Sandbox(Options(**options), **(arguments or {}))
        sandbox.state.add(order())
        async with sandbox.serve() as url, aiohttp.ClientSession() as session:
            yield sandbox, Talk(session=session, url=url, folder=key_folder, legacy=dialect == "walmart-canada")

    return opened


@pytest.fixture(params=["walmart-global", "walmart-canada"])
def dialect(request: pytest.FixtureRequest) -> str:
    """Both dialects, one after the other."""
    return str(request.param)
