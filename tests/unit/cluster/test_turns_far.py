from __future__ import annotations

from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from batch.cluster import turns_far as module
from batch.cluster.address import Address
from batch.cluster.campaign import Campaign
from batch.cluster.link import Link
from batch.cluster.sending_far import Far
from batch.cluster.turns_far import TurnsFar, turns_far
from batch.end_of_run import Ended
from batch.errors import Exit, UsageError
from batch.halts import Halts
from batch.job import Job
from batch.journal.journal import Journal
from batch.reading.table import Source
from batch.settings import Account, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from batch.cluster.line import Line
    from batch.cluster.mission import Mission

SHIPPED = Ended(None, None, Exit.OK, "shipped")
LOST = Ended(None, None, Exit.TEMPORARY, "lost")


@dataclass
class Bench:
    """Turns on a cluster whose campaigns end as the test says, `LOST` by losing the scheduler."""

    folder: Path
    ends: list[Ended] = field(default_factory=list)
    links: list[Link | None] = field(default_factory=list)  # as they are given; None: there is none just now
    lost: list[Link] = field(default_factory=list)
    missions: list[Mission] = field(default_factory=list)
    campaigns: list[Campaign] = field(default_factory=list)
    halts: Halts = field(default_factory=Halts)
    is_well: bool = True

    @property
    def job(self) -> Job:
        settings = Settings(journal=f"sqlite:///{self.folder}/state/journal.db")
        settings._home = self.folder
        return Job(settings=settings, name="default", account=Account.model_construct(client_id="seller-1"))

    @property
    def turns(self) -> TurnsFar:
        far = Far(
            address=Address("local:1", 1),
            config=self.folder / "shipbatch.toml",
            look=cast("Any", None),
            tell=lambda *_told: None,
            ends_at=7.0,
        )
        return TurnsFar(far=far, line=cast("Line", self), halts=self.halts)

    def link(self, _seconds: float) -> Link | None:
        if not self.links:
            self.halts.ask("default", Exit.TERMINATED, "The watch was told to end.")
            return None
        return self.links.pop(0)

    def lose(self, link: Link) -> None:
        self.lost.append(link)

    def carry_out(self, campaign: Campaign) -> list[Ended]:
        self.campaigns.append(campaign)
        self.missions += campaign.missions
        end = self.ends.pop(0)
        campaign.lost = end is LOST
        return [end]


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    made = Bench(tmp_path)
    monkeypatch.setattr(Campaign, "carry_out", lambda campaign: made.carry_out(campaign))  # noqa: PLW0108 - as a method
    return made


def link(name: str) -> Link:
    return Link(cast("Any", SimpleNamespace(subscribe_topic=lambda *_told: None)), "tcp://host:8786", name)


def source(bench: Bench) -> Source:
    file = bench.folder / "a.csv"
    file.write_text("a\n")
    return Source(file, "ab", file)


def test_a_run_is_handed_out_through_the_watchs_own_connection(bench: Bench) -> None:
    bench.links, bench.ends = [None, link("c")], [SHIPPED]  # at first there is none
    assert bench.turns.carry_out(bench.job, [source(bench)]) is SHIPPED
    (campaign,), (mission,) = bench.campaigns, bench.missions
    assert (mission.campaign, mission.account, mission.wait, campaign.shared) == ("c", "default", False, True)
    assert mission.files is not None
    assert [file.path.name for file in mission.files] == ["a.csv"]
    assert campaign.goes_on(mission) == "the watch tries again"
    assert campaign.finish(mission, SHIPPED) is SHIPPED
    assert cast("Any", campaign.stopped_by).args == ("default",)
    assert (bench.turns.ends_at, bench.turns.is_well) == (7.0, True)


def test_what_is_left_over_is_handed_out_without_files(bench: Bench) -> None:
    bench.links, bench.ends = [link("c")], [SHIPPED]
    bench.turns.carry_out(bench.job, None)
    assert bench.missions[0].files is None


def test_a_run_whose_scheduler_was_lost_is_handed_out_again_as_the_same_run(bench: Bench) -> None:
    one, other = link("c"), link("d")
    bench.links, bench.ends = [one, other], [LOST, SHIPPED]
    assert bench.turns.carry_out(bench.job, [source(bench)]) is SHIPPED
    first, second = bench.missions
    assert bench.lost == [one]
    assert second == replace(first, campaign="d", wait=True)


def test_an_account_that_is_to_halt_waits_for_no_cluster(bench: Bench) -> None:
    end = bench.turns.carry_out(bench.job, [source(bench)])
    told = "Account default: the cluster is not there. The watch was told to end."
    assert (end.account, end.exit_code, end.message) == (None, Exit.TERMINATED, told)


def test_files_that_are_too_large_for_a_worker_are_tried_one_by_one(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_given: object) -> None:
        raise UsageError("a.csv: 300 MiB are too much for a worker.")

    monkeypatch.setattr(Far, "mission", refuse)
    end = bench.turns.carry_out(bench.job, [source(bench)])
    assert (end.exit_code, end.message) == (Exit.FATAL, "a.csv: 300 MiB are too much for a worker.")


# The connection


@dataclass
class Place:
    """A cluster that is pretended, and what is asked of it and said."""

    settings: Settings
    asked: list[tuple[tuple[str, ...], object]] = field(default_factory=list)  # accounts and workers that were checked
    said: list[str] = field(default_factory=list)

    @contextmanager
    def connected(self, _address: Address, *, patience: float) -> Iterator[Any]:
        assert patience > 0
        yield SimpleNamespace(
            status="running",
            dashboard_link="http://here",
            nthreads=lambda: {"a": 1},
            scheduler_info=lambda n_workers: {"id": n_workers},
            subscribe_topic=lambda *_told: None,
        )

    def refuse_unfit(
        self, _client: object, _settings: Settings, _config: Path, accounts: list[str], *, local: bool, workers: object
    ) -> None:
        assert not local
        with closing(Journal.open(self.settings.journal)) as journal:
            assert journal.database.exists  # or workers could not say which it is
        self.asked.append((tuple(accounts), workers))
        if "outlet" in accounts:
            raise UsageError("--cluster: worker a: its settings have no account 'outlet'.")

    @contextmanager
    def turns(self, *accounts: str) -> Iterator[TurnsFar]:
        far = Far(
            address=Address("tcp://host:8786"),
            config=Path("shipbatch.toml"),
            look=cast("Any", None),
            tell=cast("Any", None),
        )
        with turns_far(far, self.settings, accounts, Halts(), cast("Any", self)) as turns:
            yield turns

    def say(self, text: str) -> None:
        self.said.append(text)

    def trouble(self, about: str, text: str) -> None: ...

    def well(self, about: str, text: str) -> None: ...


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    made = Place(Settings(journal=f"sqlite:///{tmp_path}/journal.db"))
    monkeypatch.setattr(module, "connected", made.connected)
    monkeypatch.setattr(module, "refuse_unfit", made.refuse_unfit)
    return made


def test_workers_are_looked_at_for_all_accounts_that_are_known_to_send(place: Place) -> None:
    with place.turns("default") as turns:
        assert turns.is_well
        assert place.said == ["Dashboard: http://here"]
    assert place.asked[:2] == [((), frozenset({"a"})), (("default",), None)]


def test_a_watch_whose_workers_are_unfit_does_not_begin(place: Place) -> None:
    with pytest.raises(UsageError, match="no account 'outlet'"), place.turns("default", "outlet"):
        pass
