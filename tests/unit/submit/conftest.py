"""A journal and a marketplace in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from batch.journal.journal import Journal
from batch.sandbox import demo_key
from tests.unit.submit.market import Market, Trial, account_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Begin = Callable[..., Trial]


@pytest.fixture(scope="session")
def key_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("key")
    demo_key(folder)
    return folder


@pytest.fixture
def begin(tmp_path: Path, key_folder: Path) -> Iterator[Begin]:
    """Begin a trial; the fixture's value takes the account's settings, and `market` for the marketplace's."""
    journals: list[Journal] = []

    def begun(api: str = "walmart-global", market: dict[str, Any] | None = None, **settings: object) -> Trial:
        journal = Journal.open(f"sqlite:///{tmp_path / f'journal-{len(journals)}.db'}")
        journals.append(journal)
        return Trial(
            journal=journal,
            market=Market(folder=key_folder, **(market or {})),
            account=account_for(key_folder, api, **settings),
        )

    yield begun
    for journal in journals:
        journal.close()
