"""Notes, which are printed with the differences and have no effect on the exit status."""

from __future__ import annotations

from collections.abc import Iterable

from townhall.check.findings import Finding
from townhall.check.impact import HIJACKABLE, Severity
from townhall.check.snapshot import Snapshot
from townhall.pg import SAFE_SEARCH_PATH, Routine
from townhall.pg.catalog import Unmanaged

_IMPACT = (Severity.COSMETIC, "it is left alone")
_IMPACTS = {
    "rule": (Severity.SECURITY, "it rewrites statements into undeclared ones; it is left alone"),
}


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


def unmanaged(declared: Iterable[Unmanaged], actual: Iterable[Unmanaged]) -> Iterable[Finding]:
    """Yield a note for each object of a kind that revisions do not manage.

    Args:
        declared: Those that a revision made by hand.
        actual: Those that the database has.
    """
    made = set(declared)
    for item in actual:
        if item not in made:
            yield Finding(
                f"{item.kind} {item.name}",
                "is there, and no comparison manages this kind of object",
                *_IMPACTS.get(item.kind, _IMPACT),
                "none is needed; a revision written by hand can make it",
                is_drift=False,
            )
