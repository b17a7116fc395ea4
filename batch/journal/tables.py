"""The journal's tables. All times are UTC epoch milliseconds, for people; order goes by the sequence numbers.

A change here needs a migration: see `migrations.py`.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    literal_column,
)

metadata = MetaData()
_Number = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows by itself only in an INTEGER key

version = Table("version", metadata, Column("version", Integer, nullable=False))

runs = Table(
    "runs",
    metadata,
    Column("number", _Number, primary_key=True),
    Column("run", Text, nullable=False, unique=True),
    Column("seller", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("command", Text, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger),
    Column("summary", LargeBinary),  # summary.json and what else the report needs, as JSON
)

files = Table(
    "files",
    metadata,
    Column("run", ForeignKey("runs.number"), primary_key=True),
    Column("file", Integer, primary_key=True),  # in input order, from 0
    Column("path", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("profile", Text, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("problem", Text, nullable=False),  # why it could not be read; blank where it could
    Index("files_by_content", "sha256"),
)

orders = Table(
    "orders",
    metadata,
    Column("id", _Number, primary_key=True),
    Column("seller", Text, nullable=False),
    Column("purchase_order_id", Text, nullable=False),  # blank until found by the customer order id
    Column("customer_order_id", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),  # of what the file says of it
    Column("content", LargeBinary, nullable=False),  # the parcels as the file has them, as JSON
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("parts", LargeBinary),  # outcome and reason beside each parcel, where they are not the order's
    Column("note", Text, nullable=False),  # what was inferred
    Column("sent", LargeBinary),  # the parcels as they were sent, as JSON; none: as the file has them
    Column("before", LargeBinary),  # units shipped beforehand, by line, as JSON
    Column("due_at", BigInteger, nullable=False),  # not before; 0: now
    Column("ship_by", BigInteger, nullable=False),  # 0: not known
    Column("correlation_id", Text, nullable=False),  # of the last update sent
    Column("planned_at", BigInteger, nullable=False),
    Column("sent_at", BigInteger, nullable=False),  # the last update; 0: none
    Column("finished_at", BigInteger, nullable=False),  # 0: not ended
    Index("orders_by_purchase_order", "purchase_order_id", "seller"),
    Index("orders_by_customer_order", "customer_order_id", "seller", "purchase_order_id"),
)
unfinished = orders.c.finished_at == literal_column("0")  # no parameter, so that SQLite sees that the index fits
Index("orders_unfinished", orders.c.seller, sqlite_where=unfinished, postgresql_where=unfinished)

claims = Table(
    "claims",
    metadata,
    Column("seller", Text, primary_key=True),
    Column("purchase_order_id", Text, primary_key=True),
    Column("line_number", Text, primary_key=True),
    Column("parcel", Text, primary_key=True),
    Column("quantity", Integer, nullable=False),
    Column("order", ForeignKey("orders.id"), nullable=False, index=True),
    Column("shipped", Boolean, nullable=False),  # known to be shipped, whatever becomes of its order
)

attempts = Table(
    "attempts",
    metadata,
    Column("id", _Number, primary_key=True),
    Column("order", ForeignKey("orders.id"), nullable=False, index=True),
    Column("run", ForeignKey("runs.number"), nullable=False, index=True),
    Column("kind", Text, nullable=False),  # ship, acknowledge, edit
    Column("correlation_id", Text, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("status", Integer),  # HTTP; 0: no answer
    Column("verdict", Text),
    Column("reason", Text),
)

rows = Table(
    "rows",
    metadata,
    Column("run", ForeignKey("runs.number"), primary_key=True),
    Column("position", Integer, primary_key=True),  # in input order, from 0
    Column("file", Integer, nullable=False),
    Column("sheet", Text, nullable=False),
    Column("row", Integer, nullable=False),  # as Excel shows it
    Column("purchase_order_id", Text, nullable=False),
    Column("order", ForeignKey("orders.id"), index=True),
    Column("part", Integer),  # which parcel of the order
    Column("outcome", Text),  # set at once where the plan knows it, else at the end of the run
    Column("reason", Text),
)
aside = rows.c.order.is_(None)  # they never became part of an order
Index("rows_aside", rows.c.purchase_order_id, sqlite_where=aside, postgresql_where=aside)

decisions = Table(
    "decisions",
    metadata,
    Column("id", _Number, primary_key=True),
    Column("order", ForeignKey("orders.id"), nullable=False, index=True),
    Column("decided_at", BigInteger, nullable=False),
    Column("user", Text, nullable=False),
    Column("decision", Text, nullable=False),
    Column("note", Text, nullable=False),
)

locks = Table(
    "locks",
    metadata,
    Column("seller", Text, primary_key=True),
    Column("epoch", BigInteger, nullable=False),  # how often the seller's lock was taken; 0: never yet
    Column("holder", Text, nullable=False),  # who took it last, for people
)
