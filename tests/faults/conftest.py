from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from batch.sandbox import demo_key
from tests.faults.ordeal import begun_ordeal
from tests.trial import APIS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.faults.ordeal import Ordeal


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a private key, made once."""
    return demo_key(tmp_path_factory.mktemp("key"))


@pytest.fixture
def ordeal(tmp_path: Path, key: Path) -> Iterator[Ordeal]:
    """Give a folder with settings for a sandbox that speaks the Global API."""
    with begun_ordeal(tmp_path, key=key) as begun:
        yield begun


@pytest.fixture(params=APIS)
def either(request: pytest.FixtureRequest, tmp_path: Path, key: Path) -> Iterator[Ordeal]:
    """Give a folder with settings for a sandbox, once for each dialect."""
    with begun_ordeal(tmp_path, request.param, key=key) as begun:
        yield begun
