"""Notes, which are printed with the differences and have no effect on the exit status."""

from __future__ import annotations

from collections.abc import Iterable

from townhall.check.findings import Finding
from townhall.check.impact import HIJACKABLE
from townhall.check.snapshot import Snapshot
from townhall.pg import SAFE_SEARCH_PATH, Routine


def unsafe_search_paths(declared: Snapshot, actual: Snapshot) -> Iterable[Finding]:
    """Yield a note for each function that runs as its owner on an unsafe path, as declared.

    Args:
        declared: What the revisions make.
        actual: What the database has.
    """
    for key in sorted(declared.keys() & actual.keys()):
        functions = (declared[key].entity, actual[key].entity)
        if all(isinstance(each, Routine) and each.is_hijackable for each in functions):
            yield Finding(
                declared[key].identity,
                "has an unsafe search path, as declared",
                HIJACKABLE.severity,
                HIJACKABLE.text,
                f"declare settings={{'search_path': '{SAFE_SEARCH_PATH}'}}, and qualify the names"
                " in its body",
                is_drift=False,
            )
