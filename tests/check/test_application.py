"""A check of an application without the product, by the settings of its ``env.py``."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command

from tests.check.test_check import answers, execute
from tests.migrations.test_engine_alone import (  # noqa: F401 - fixtures
    Application,
    application,
    database,
)
from townhall.check import CheckError, Finding, Report, check

_INI = "[alembic]\nscript_location = %(here)s\n"


@pytest.fixture
def migrated(application: Application, database: str) -> str:  # noqa: F811 - the fixtures
    """Return the URL of a database at the application's last revision."""
    config = application.config(database)
    command.upgrade(config, "head")
    command.revision(config, "Notes", autogenerate=True, rev_id="notes_0002")
    command.upgrade(config, "head")
    (application.folder / "alembic.ini").write_text(_INI)
    return database


def checked(url: str, application: Application, scratch: str) -> Report:  # noqa: F811 - no fixture
    ini: Path = application.folder / "alembic.ini"
    return check(url, config=ini, scratch=scratch, role=application.user)


def differences(findings: tuple[Finding, ...]) -> list[tuple[str, str]]:
    return [(finding.object, finding.difference) for finding in findings]


@pytest.mark.exhaustive
def test_application_at_head_has_no_findings(
    migrated: str,
    application: Application,  # noqa: F811 - the fixture
    scratch: str,
) -> None:
    report = checked(migrated, application, scratch)
    assert report.findings == ()
    assert answers(report) == {
        "revision": "notes_0002 (head)",
        "drift": "none",
        "row security": "on for all 2 tables of public",
        "login role": f"row level security applies to {application.user}",
    }
    assert report.is_good


@pytest.mark.exhaustive
def test_drift_of_an_application_is_reported_and_repaired(
    migrated: str,
    application: Application,  # noqa: F811 - the fixture
    scratch: str,
) -> None:
    execute(
        migrated,
        f"grant truncate on public.notes to {application.user}",
        f"grant {application.service} to {application.user}",
        f"revoke usage on schema app from {application.user}",
        "alter table public.notes alter column id set increment by 2",
        "alter view public.note_count set (security_invoker = false)",
        "grant execute on function app.current_user_id() to public",
    )
    report = checked(migrated, application, scratch)
    assert differences(report.findings) == [
        (f"role {application.user}", f"is a member of {application.service}"),
        ("column public.notes id", "its identity differs from the declaration"),
        ("function app.current_user_id()", "PUBLIC holds EXECUTE; not declared"),
        ("schema access app", f"{application.user} does not hold USAGE"),
        ("table access public.notes", f"{application.user} holds TRUNCATE; not declared"),
        ("view public.note_count", "security invoker is off; declared: on"),
    ]
    for finding in report.findings:
        execute(migrated, finding.repair)
    assert checked(migrated, application, scratch).findings == ()


@pytest.mark.thorough
def test_database_at_a_revision_that_the_application_does_not_have_is_not_compared(
    migrated: str,
    application: Application,  # noqa: F811 - the fixture
    scratch: str,
) -> None:
    execute(migrated, "update public.alembic_version set version_num = 'notes_0003'")
    with pytest.raises(CheckError, match=r"^The database is at notes_0003, which .* release of"):
        checked(migrated, application, scratch)


@pytest.mark.exhaustive
def test_object_owned_by_a_role_of_the_application_is_reported(
    migrated: str,
    application: Application,  # noqa: F811 - the fixture
    scratch: str,
) -> None:
    execute(
        migrated,
        f"grant create on schema public to {application.service}",
        f"alter view public.note_count owner to {application.service}",
        f"revoke create on schema public from {application.service}",
    )
    report = checked(migrated, application, scratch)
    assert ("view public.note_count", f"is owned by {application.service}") in differences(
        report.findings
    )
    for finding in report.findings:
        execute(migrated, finding.repair)
    assert checked(migrated, application, scratch).findings == ()
