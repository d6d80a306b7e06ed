"""The guides to deployment and scaling: their queries run, and their tables are as declared."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Table, text

from tests.community.bulk_data import insert_founders_with_scores
from tests.support.blocks import blocks_of, run_blocks
from townhall import Base, TenantProfile, metadata
from townhall.pg import StorageParameters

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import Connection, Engine, ForeignKeyConstraint

DOCS = Path(__file__).parents[1] / "docs"
QUERIES = [each.text for each in blocks_of("docs/deployment.md", "sql")]
_HEADING = "| table | columns | refers to | on delete |\n|---|---|---|---|\n"


@pytest.mark.parametrize("query", QUERIES, ids=lambda each: re.findall(r"from (\S+)", each)[-1])
def test_query_of_the_guide_runs_for_a_role_that_monitors(
    townhall_shared_engine: Engine, query: str
) -> None:
    with townhall_shared_engine.connect() as connection:
        if connection.scalar(text("select current_setting('is_superuser') = 'on'")):
            create = "create role watcher nologin in role pg_monitor, authenticated"
            connection.execute(text(create))
            connection.execute(text("set local role watcher"))
        assert connection.execute(text(query)).keys()
        connection.rollback()


def test_queries_of_the_guide_find_dead_rows_old_benchmarks_and_open_transactions(
    townhall_engine: Engine,
) -> None:
    with townhall_engine.begin() as connection:
        insert_founders_with_scores(connection, 40, 1)
        connection.execute(text("select refresh_benchmark_aggregates()"))
    with townhall_engine.begin() as connection:
        connection.execute(text("update profiles set stage = 'idea'"))
        connection.execute(text("select pg_stat_force_next_flush()"))
    with townhall_engine.connect() as reader, townhall_engine.connect() as connection:
        process = reader.scalar(
            text("select pg_backend_pid() from (select count(*) from events) as e")
        )
        isolated = connection.execution_options(isolation_level="AUTOCOMMIT")
        bloat = _answers(isolated, "dead_share")
        (dead,) = (row["dead_share"] for row in bloat if row["relname"] == "profiles")
        assert dead > 0.2
        ages = {row["benchmark"]: row["age"] for row in _answers(isolated, "refreshed_at")}
        assert ages.keys() == {"stage", "industry"}
        assert all(timedelta(0) < age < timedelta(minutes=10) for age in ages.values())
        (long,) = [
            row
            for row in _answers(isolated, "xact_start", **{"1 minute": "0"})
            if row["pid"] == process
        ]
        assert long["state"] == "idle in transaction"
        assert "events" in long["tables"]
        (connections,) = _answers(isolated, "idle_in_transaction")
        assert connections["idle_in_transaction"] >= 1
        assert connections["active"] >= 1
        assert "consent_preferences" in {
            row["table_name"] for row in _answers(isolated, "reltuples")
        }


def _answers(connection: Connection, word: str, **replacements: str) -> Sequence[Mapping[str, Any]]:
    """Return what the one query of the guide answers that has a word."""
    (query,) = (each for each in QUERIES if word in each)
    for former, other in replacements.items():
        query = query.replace(former, other)
    return [dict(row) for row in connection.execute(text(query)).mappings()]


def test_statements_before_a_distribution_let_an_ordinary_role_own_the_database(
    townhall_shared_engine: Engine,
) -> None:
    (statements,) = blocks_of("docs/scaling.md", "sql")
    with townhall_shared_engine.connect() as connection:
        if connection.scalar(text("select current_setting('is_superuser') = 'off'")):
            pytest.skip("only a superuser runs them, and the role of the named server is none")
        name = connection.scalar(text("select current_database()"))
        connection.execute(text("create role app_owner"))
        connection.exec_driver_sql(statements.text.replace("database app ", f"database {name} "))
        owner = "select datdba::regrole::text from pg_database where datname = current_database()"
        assert connection.scalar(text(owner)) == "app_owner"
        assert connection.scalar(text("select pg_has_role('app_owner', 'service_role', 'member')"))
        connection.rollback()


def test_example_of_the_guide_declares_parameters_of_tables() -> None:
    declared = run_blocks(blocks_of("docs/deployment.md", "python"))["HOT_TABLES"]
    assert isinstance(declared, list)
    for each in declared:
        assert isinstance(each, StorageParameters)
        assert each.table in metadata.tables


def test_tables_of_foreign_keys_that_a_split_crosses_are_as_declared() -> None:
    page = (DOCS / "scaling.md").read_text(encoding="utf-8")
    assert with_foreign_keys(page) == page


def with_foreign_keys(page: str) -> str:
    """Return the page with the tables as the models have them."""
    domains = {
        mapper.local_table.key: mapper.class_.__module__.split(".")[2]
        for mapper in Base.registry.mappers
        if isinstance(mapper.local_table, Table)
    }
    between = [
        key
        for key in _foreign_keys(metadata.sorted_tables)
        if domains[key.table.key] != domains[key.referred_table.key]
    ]
    tenants = _below(TenantProfile.metadata.tables[TenantProfile.__tablename__])
    out = [key for key in _foreign_keys(tenants) if key.referred_table not in tenants]
    for title, keys in (("between domains", between), ("out of a tenant", out)):
        page = re.sub(
            rf"(<!-- foreign keys {title}: begin -->\n).*?(<!-- foreign keys {title}: end -->)",
            rf"\1\n{_HEADING}{''.join(map(_line, keys))}\n\2",
            page,
            flags=re.DOTALL,
        )
    return page


def _foreign_keys(tables: Iterable[Table]) -> list[ForeignKeyConstraint]:
    found = [key for table in tables for key in table.foreign_key_constraints]
    return sorted(found, key=lambda key: (key.table.key, [*key.column_keys]))


def _below(table: Table) -> list[Table]:
    """Return a table, and those that refer to it directly or through others."""
    found = [table]
    for each in metadata.sorted_tables:
        if each not in found and any(
            key.referred_table in found for key in each.foreign_key_constraints
        ):
            found.append(each)
    return found


def _line(key: ForeignKeyConstraint) -> str:
    columns = ", ".join(f"`{name}`" for name in key.column_keys)
    action = (key.ondelete or "no action").lower()
    return f"| `{key.table.key}` | {columns} | `{key.referred_table.key}` | {action} |\n"
