"""What all tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.postgres import MISSING, Server, begun_server

if TYPE_CHECKING:
    from collections.abc import Iterator


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--golden", action="store_true", help="write the plans beside the sample exports anew")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """Give a PostgreSQL server, begun by the first test that needs one."""
    with begun_server() as server:
        if server is None:
            pytest.skip(MISSING)
        yield server
