"""Dangers in the report of a check."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine

from tests.check.conftest import AtHead
from tests.check.test_check import answers, execute
from tests.check.test_command import SCHEMA
from tests.support.applications import SmallApplication
from townhall import PRODUCT
from townhall.check import check
from townhall.check.dangers import dangers, read_rules
from townhall.cli import main
from townhall.pg import Accepted
from townhall.roles import SUPABASE
from townhall.testing.databases import Databases


@pytest.fixture
def never_declared(server: Databases) -> Iterator[str]:
    with server.create() as url:
        execute(
            url,
            "create table notes (id integer primary key, parent_id integer references notes)",
            "create table other (id integer)",
            "grant select on notes, other to public",
            "create schema api",
        )
        yield url


def test_own_schema_has_no_danger_but_those_accepted_with_a_reason(at_head: AtHead) -> None:
    with create_engine(at_head.url, poolclass=NullPool).connect() as connection:
        told = dangers(connection, read_rules(connection, SUPABASE))
    assert {(each.danger, each.object) for each in told} == {
        (each.danger, each.object) for each in PRODUCT.accepted
    }


def test_danger_is_accepted_with_a_reason_only() -> None:
    with pytest.raises(ValueError, match="say in reason why 'unsafe search path' does no harm"):
        Accepted(danger="unsafe search path", object="function public.f()", reason=" ")


def test_schema_that_was_never_declared_has_dangers_and_no_drift(
    never_declared: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("check", "--url", never_declared, "--schema", "public")
    assert main(words) == 1
    printed = capsys.readouterr().out
    assert "drop" not in printed
    assert "drift" not in printed
    answer, kind, first, *_ = printed.splitlines()
    assert answer == "rules         2 security, 1 performance; exposed: public"
    assert kind.startswith("security: 2 exposed tables without row level security. Impact: every")
    assert first.startswith(
        "  table public.notes: is exposed without row level security: public may access it"
    )
    assert main((*words, "--json")) == 1
    document = capsys.readouterr().out
    assert len(SCHEMA.validate_json(document, strict=True).findings) == 3
    (*_, key) = json.loads(document)["findings"]
    assert key == {
        "object": "constraint public.notes notes_parent_id_fkey",
        "difference": "has no index: on parent_id",
        "severity": "performance",
        "impact": "each delete or change of a referenced row, and each join, reads the whole table",
        "repair": "create index notes_parent_id_idx on public.notes (parent_id)",
        "decision": None,
        "is_drift": False,
        "danger": "foreign key without index",
        "declared_at": None,
        "python": 'sa.Index("notes_parent_id_idx", "parent_id")',
    }


@pytest.mark.thorough
def test_exit_status_is_by_the_severity_of_dangers(never_declared: str) -> None:
    words = ("check", "--url", never_declared, "--schema", "api", "--fail-on")
    assert main((*words, "security")) == 0
    assert main((*words, "performance")) == 1


@pytest.mark.thorough
def test_kind_with_many_objects_is_cut(
    never_declared: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(20):
        execute(
            never_declared,
            f"create table t{number} (id integer)",
            f"grant select on t{number} to public",
        )
    main(("check", never_declared, "--schema", "public"))
    printed = capsys.readouterr().out.splitlines()
    assert "security: 22 exposed tables" in printed[1]
    assert printed.count("  and 17 more, which --json has") == 1
    assert len([line for line in printed if line.startswith("  table ")]) == 5


@pytest.mark.exhaustive
def test_dangers_of_an_application_are_reported_unless_accepted(
    server: Databases, scratch: str, tmp_path: Path
) -> None:
    with server.create() as url:
        application = SmallApplication(
            tmp_path, url, scratch, "exposed=['public'], accepted=accepted"
        )
        application.declare(_NOTES + "accepted = []")
        application.revise("notes")
        report = application.check()
        assert [(each.danger, each.is_drift) for each in report.findings] == [
            ("evaluated per row", False)
        ]
        assert report.findings[0].declared_at == f"{tmp_path / 'env.py'}:{_LINE_OF_POLICY}"
        assert answers(report)["drift"] == "none"
        assert answers(report)["rules"] == "1 performance; exposed: public"
        assert not report.is_good
        application.declare(_NOTES + _ACCEPTED)
        assert application.check().findings == ()
        execute(url, "alter table notes disable row level security")
        (finding,) = application.check().findings
        assert finding.danger is None  # the difference tells it, and its repair ends it


@pytest.mark.thorough
def test_acceptance_that_fits_no_danger_is_told(
    server: Databases, scratch: str, tmp_path: Path
) -> None:
    with server.create() as url:
        application = SmallApplication(
            tmp_path, url, scratch, "exposed=['public'], accepted=accepted"
        )
        application.declare(_NOTES + _ACCEPTED + _STALE)
        application.revise("notes")
        report = application.check()
        (finding,) = report.findings
        assert finding.object == "policy public.notes former notes"
        assert "no such danger is found" in finding.difference
        assert 'remove pg.Accepted(danger="evaluated per row"' in finding.repair
        assert (finding.danger, finding.is_drift) == (None, False)
        assert answers(report)["drift"] == "none"


_LINE_OF_POLICY = 14
_NOTES = """
Table("notes", metadata, Column("id", Integer, primary_key=True), Column("owner", Text))
entities.append(pg.TableAccess(table="notes"))
entities.append(
    pg.Policy(
        table="notes",
        name="own notes",
        command="select",
        roles=("public",),
        using="owner = current_setting('app.user', true)",
    )
)
"""
_ACCEPTED = """
accepted = [
    pg.Accepted(
        danger="evaluated per row", object="policy public.notes own notes", reason="it is small"
    )
]
"""
_STALE = """
accepted += [
    pg.Accepted(
        danger="evaluated per row", object="policy public.notes former notes", reason="it was small"
    )
]
"""


@pytest.mark.exhaustive
def test_database_with_revisions_is_compared_with_them(database: str, scratch: str) -> None:
    execute(database, "create table public.other (id integer)")
    report = check(database, scratch=scratch, schemas=["public"], role="authenticated")
    assert [(each.object, each.danger) for each in report.findings] == [
        ("table public.other", None)
    ]


def test_missing_schema_is_refused(never_declared: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(("check", never_declared, "--schema", "pubic")) == 2
    assert "there is no schema pubic" in capsys.readouterr().err


def test_unknown_role_is_refused(never_declared: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(("check", never_declared, "--schema", "public", "--role", "nobody_here")) == 2
    assert "there is no role nobody_here" in capsys.readouterr().err


def test_login_role_is_checked_where_it_is_named(never_declared: str) -> None:
    report = check(never_declared, schemas=["api"], role="pg_monitor")
    assert answers(report)["login role"] == "row level security applies to pg_monitor"
