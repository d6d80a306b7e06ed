"""Repairs of objects that the role that migrates does not own, and may not alter."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from townhall.check.findings import Finding
from townhall.check.repair import CHANGES_OWNER
from townhall.check.snapshot import Snapshot

_AFTER = "it runs only after the change of the owner"


def after_owners(findings: Iterable[Finding], *snapshots: Snapshot) -> list[Finding]:
    """Return findings of which those need a decision that are about an object of another owner.

    Args:
        findings: The differences.
        snapshots: The objects that they are about.
    """
    items = {item.identity: item for snapshot in snapshots for item in snapshot.values()}
    places = {name: item.on or item.names for name, item in items.items()}
    findings = list(findings)
    owned = {places[each.object] for each in findings if _changes_owner(each)}
    return [
        replace(each, decision=_AFTER)
        if each.decision is None and places.get(each.object) in owned
        else each
        for each in findings
    ]


def owners_first(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings with the changes of owners before the others, whose order stays."""
    return sorted(findings, key=lambda each: not _changes_owner(each))


def _changes_owner(finding: Finding) -> bool:
    return finding.decision == CHANGES_OWNER
