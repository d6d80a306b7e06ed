"""The answers of a check."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from townhall.check.findings import Finding
from townhall.check.history import DeclaredSettings
from townhall.check.impact import Severity
from townhall.check.report import Answer
from townhall.check.snapshot import Key, Snapshot
from townhall.migrate.origins.kept import kept_in_words
from townhall.pg.catalog import Role


def drift(findings: Collection[Finding]) -> Answer:
    """Return how many differences there are.

    Args:
        findings: The differences.
    """
    number = len(findings)
    words = {0: "none", 1: "1 difference"}.get(number, f"{number} differences")
    severities = {finding.severity for finding in findings}
    worst = next((each for each in Severity if each in severities), Severity.COSMETIC)
    return Answer("drift", words, is_good=not number, severity=worst)


def row_security(declared: Snapshot, actual: Snapshot, settings: DeclaredSettings) -> Answer:
    """Return for which tables row level security is off.

    Args:
        declared: What the revisions make.
        actual: What the database has.
        settings: What ``env.py`` declares; without schemas all that are compared are looked at.
    """
    compared = sorted({key[1] for key in (*declared, *actual) if key[0] == "schema"})
    schemas = [each for each in settings.schemas or compared if each in compared]
    tables = [
        item
        for _, item in sorted(actual.items())
        if item.kind == "table access" and item.names[0] in schemas
    ]
    off = [item for item in tables if not item.facts["row_security"]]
    if not off:
        words = f"on for all {len(tables)} tables of {', '.join(schemas)}"
        return Answer("row security", words, is_good=True, severity=Severity.SECURITY)
    listed = ", ".join(".".join(item.names).removeprefix("public.") for item in off)
    is_declared = all(
        item.key in declared and not declared[item.key].facts["row_security"] for item in off
    )
    words = f"off for {listed}"
    return Answer("row security", words, is_good=is_declared, severity=Severity.SECURITY)


def login_role(role: Role) -> Answer:
    """Return whether row level security applies to the role that the application logs in as.

    Args:
        role: The role.
    """
    applies = role.bypass is None
    words = f"row level security {'applies' if applies else 'does not apply'} to {role.name}"
    if not applies:
        words = f"{words}: {role.bypass}"
    return Answer("login role", words, is_good=applies, severity=Severity.SECURITY)


def kept(keys: Collection[Key]) -> Iterator[Answer]:
    """Yield what an adoption has kept; nothing where it has kept nothing.

    Args:
        keys: The kind and the qualified name of each object.
    """
    if words := kept_in_words(keys):
        yield Answer("kept", words, is_good=True)
