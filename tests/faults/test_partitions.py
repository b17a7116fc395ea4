"""A large file is prepared by all workers, and one of them dies meanwhile."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import distributed

from batch.cluster.partitions import Partitions
from batch.inputs import in_place
from batch.job import Job, prepared
from batch.settings import load
from tests.clusters import begun_cluster
from tests.faults.parcels import orders
from tests.unit.tables import policy
from tests.unit.test_in_parts import assert_same

if TYPE_CHECKING:
    from distributed import Client, Future

    from batch.cluster.partitions import Seen
    from batch.grouping import Dealt
    from tests.clusters import Cluster
    from tests.faults.ordeal import Ordeal


class Mourning(Partitions):
    """Partitions of which a worker dies once, as soon as all parts are examined: what it had of them is lost."""

    def __init__(self, client: Client, cluster: Cluster) -> None:
        super().__init__(client, local=True, part=2_000)
        self._cluster = cluster

    def _dealt(self, part: Future[Seen], buckets: int) -> list[Future[Dealt]]:
        if self._cluster.workers[0].poll() is None:
            self._cluster.workers[0].send_signal(signal.SIGKILL)
            self._cluster.workers[0].wait()
        return super()._dealt(part, buckets)


def test_parts_that_are_lost_with_a_worker_are_examined_again(ordeal: Ordeal) -> None:
    files = [in_place(ordeal.write("orders.csv", *orders(400)))]
    settings = load(ordeal.settings)
    job = Job(settings=settings, name="default", account=settings.accounts["default"])
    with (
        begun_cluster(ordeal.folder / "cluster", ordeal.environment(), workers=2) as cluster,
        distributed.Client(cluster.address) as client,  # type: ignore[no-untyped-call] # it has few types
    ):
        inputs, plan = Mourning(client, cluster)(job, files, policy())
        assert cluster.workers[0].poll() is not None
    one, its_plan = prepared(job, files, policy())
    assert inputs.files == one.files
    assert len(plan) == 400
    assert_same(plan, its_plan)
