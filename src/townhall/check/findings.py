"""What differs between two databases, object by object."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from townhall.check import cures, meanings
from townhall.check.meanings import Effect, Meaning
from townhall.check.reading import RELATION_KINDS, Relation, Snapshot, Thing
from townhall.pg import API_ROLES, PUBLIC

_LONGEST_VALUE = 60
_STANDING_ALONE = frozenset(
    {*RELATION_KINDS, "aggregate", "function", "procedure", "type", "window function"}
)
_PUBLIC_SCHEMA = ("schema", "public")

Privileges = Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class Finding:
    """A difference.

    Attributes:
        object: What differs: ``policy public.events members select``.
        difference: How.
        effect: Whether it opens something, breaks something, or does neither.
        meaning: What it means for security.
        cure: What ends it: SQL, or a command.
    """

    object: str
    difference: str
    effect: Effect
    meaning: str
    cure: str

    def __str__(self) -> str:
        """Say it on one line."""
        line = f"{self.effect}: {self.object} {self.difference}: {self.meaning}. Cure: {self.cure}"
        return " ".join(line.split())

    def as_dict(self) -> dict[str, str]:
        """Return the finding for JSON."""
        return asdict(self)


def compare(expected: Snapshot, found: Snapshot, *, others_live_here: bool) -> list[Finding]:
    """Return what differs, sorted by object.

    Args:
        expected: What should be.
        found: What is.
        others_live_here: Whether the database also has revisions of a history that is not known
            here. What stands alone and is not expected is theirs then.
    """
    both = _containers(expected, found)
    findings: list[Finding] = []
    for key in sorted({*expected, *found}):
        wanted, there = expected.get(key), found.get(key)
        if wanted and there:
            findings += _changes(wanted, there)
        elif wanted and _container(wanted) in both:
            findings.append(_missing(wanted))
        elif there and _container(there) in both:
            if not (others_live_here and there.kind in _STANDING_ALONE):
                findings.append(_unexpected(there))
            elif there.kind == "table":
                findings += _open_table(there)
    return findings


def _containers(expected: Snapshot, found: Snapshot) -> set[tuple[str, ...]]:
    kinds = ("schema", *RELATION_KINDS)
    both = (thing for key, thing in expected.items() if key in found)
    return {(), *(thing.names for thing in both if thing.kind in kinds)}


def _container(thing: Thing) -> Relation | tuple[str, ...]:
    # What belongs to something that is missing or not expected as a whole is not told by itself.
    return thing.on or (() if thing.kind == "schema" else thing.names[:1])


def _missing(wanted: Thing) -> Finding:
    return _finding(wanted, "is missing", meanings.missing(wanted), cures.create(wanted))


def _unexpected(there: Thing) -> Finding:
    meaning = meanings.unexpected(there)
    return _finding(there, "is declared nowhere", meaning, cures.drop(there))


def _open_table(there: Thing) -> Iterable[Finding]:
    if not there.facts["row_security"]:
        wanted = Thing("table access", there.names, {"row_security": True})
        yield _change("row_security", wanted, there)


def _changes(wanted: Thing, there: Thing) -> Iterable[Finding]:
    for fact in wanted.facts:
        if (wanted.kind, fact) == ("table", "row_security"):
            continue  # the table's access tells it
        if fact == "grants":
            yield from _privileges(wanted, there)
        elif wanted.facts[fact] != there.facts[fact]:
            yield _change(fact, wanted, there)


def _change(fact: str, wanted: Thing, there: Thing) -> Finding:
    name = fact.replace("_", " ")
    values = [_short(thing.facts[fact]) for thing in (there, wanted)]
    difference = (
        f"differs in its {name}"
        if None in values
        else f"has {name} {values[0]} instead of {values[1]}"
    )
    return _finding(
        wanted,
        difference,
        meanings.changed(fact, wanted, there),
        cures.change(fact, wanted, there),
    )


def _privileges(wanted: Thing, there: Thing) -> Iterable[Finding]:
    expected, found = (_that_count(thing, wanted) for thing in (wanted, there))
    for role in sorted({*expected, *found}):
        before, after = expected.get(role, frozenset()), found.get(role, frozenset())
        if more := sorted(after - before):
            yield _finding(
                wanted,
                f"lets {_everybody(role)} {', '.join(more)}",
                meanings.granted(wanted, role, more),
                cures.revoke(wanted, role, more),
            )
        # An owner may everything, whatever is granted.
        if role != there.owner and (less := sorted(before - after)):
            yield _finding(
                wanted,
                f"does not let {_everybody(role)} {', '.join(less)}",
                meanings.revoked(role),
                cures.grant(wanted, role, less),
            )


def _that_count(thing: Thing, wanted: Thing) -> Privileges:
    # What a role of the application's own, or of somebody's reports, was given is not ours to say.
    # The schema public comes as the server or Supabase made it.
    roles = {PUBLIC, *API_ROLES, *wanted.facts["grants"]}
    only = {"create"} if thing.key == _PUBLIC_SCHEMA else None
    return {
        role: privileges if only is None else privileges & only
        for role, privileges in thing.facts["grants"].items()
        if role in roles
    }


def _everybody(role: str) -> str:
    return "everybody" if role == PUBLIC else role


def _finding(thing: Thing, difference: str, meaning: Meaning, cure: str) -> Finding:
    return Finding(thing.identity, difference, meaning.effect, meaning.text, cure)


def _short(value: object) -> str | None:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple) and all(isinstance(item, str) for item in value):
        value = ", ".join(value)
    text = str(value)
    is_short = isinstance(value, str) and len(text) <= _LONGEST_VALUE and "\n" not in text
    return text if is_short else None
