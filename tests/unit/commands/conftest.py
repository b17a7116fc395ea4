from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.in_process import InProcess, begun_in_process
from tests.trial import APIS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def trial(tmp_path: Path) -> Iterator[InProcess]:
    """Give a folder with settings for a sandbox that speaks the Global API."""
    with begun_in_process(tmp_path) as begun:
        yield begun


@pytest.fixture(params=APIS)
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[InProcess]:
    """Give a folder with settings for a sandbox, once for each dialect."""
    with begun_in_process(tmp_path, request.param) as begun:
        yield begun
