"""Sending on more than one machine, by Dask: each account with work is one task, wherever it runs.

    address     what --cluster says
    engine      a scheduler that exists, or workers of our own
    workers     may these workers send? who they are, compared with us
    mission     what a task is told, and what travels with it
    station     in a worker: one event loop for all accounts that it sends for
    task        in a worker: one account, from its lock to its account
    partitions  a large account's files, prepared by all workers
    link        here: one connection, and what workers tell through it
    campaign    here: hand out missions, watch, stop, gather
    sending_far here: a command's jobs, and their reports
    line        here: the way to a cluster for as long as a watch lasts
    turns_far   here: the runs of a watch's turns

No credentials travel: each worker has settings of its own. What is shared is the journal alone.
"""
