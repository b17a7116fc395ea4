"""Sending on more than one machine, by Dask: each account with work is one task, wherever it runs.

    address     what --cluster says
    engine      a scheduler that exists, or workers of our own
    workers     may these workers send? who they are, compared with us
    mission     what a task is told, and what travels with it
    station     in a worker: one event loop for all accounts that it sends for
    task        in a worker: one account, from its lock to its account
    partitions  a large account's files, prepared by all workers
    campaign    here: hand out missions, watch, stop, gather

No credentials travel: each worker has settings of its own. What is shared is the journal alone.
"""
