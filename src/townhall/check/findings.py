"""The differences between two databases, object by object."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from townhall.check import impact, repair
from townhall.check.impact import Impact, Severity, role_name
from townhall.check.snapshot import GRANT_OPTION, RELATION_KINDS, Object, Relation, Snapshot
from townhall.pg import API_ROLES, PUBLIC

_LONGEST_VALUE = 60
_INDEPENDENT_KINDS = frozenset(
    {*RELATION_KINDS, "aggregate", "function", "procedure", "type", "window function"}
)
_PUBLIC_SCHEMA = ("schema", "public")
_FACT_NAMES = {
    "forced": "forced row level security",
    "is_leakproof": "leakproof",
    "is_strict": "strict",
    "nullable": "NULL",
    "returns": "return type",
    "row_security": "row level security",
}
"""What messages call a fact, where that is not its own name."""
_PLURALS = {"arguments", "checks", "column_comments", "indexes", "roles", "settings", "values"}

Privileges = Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class Finding:
    """A difference between what is declared and what a database has.

    Attributes:
        object: The object that differs: ``policy public.events members can read``.
        difference: How it differs.
        severity: ``security``, ``functional`` or ``cosmetic``.
        impact: What the difference means.
        repair: What ends it: SQL, or a command.
    """

    object: str
    difference: str
    severity: Severity
    impact: str
    repair: str

    def __str__(self) -> str:
        """Return the finding as one line."""
        line = (
            f"{self.severity}: {self.object}: {self.difference}."
            f" Impact: {self.impact}. Repair: {self.repair}"
        )
        return " ".join(line.split())

    def as_dict(self) -> dict[str, str]:
        """Return the finding for JSON."""
        return asdict(self)


def compare(declared: Snapshot, actual: Snapshot, *, has_unknown_revisions: bool) -> list[Finding]:
    """Return the differences, sorted by object.

    Args:
        declared: What the revisions make.
        actual: What the database has.
        has_unknown_revisions: Whether the database also has revisions of a history that is not
            known here. Independent objects that are not declared then belong to that history.
    """
    both = _containers(declared, actual)
    findings: list[Finding] = []
    for key in sorted({*declared, *actual}):
        declaration, existing = declared.get(key), actual.get(key)
        if declaration and existing:
            findings += _changes(declaration, existing)
        elif declaration and _container(declaration) in both:
            findings.append(_missing(declaration))
        elif existing and _container(existing) in both:
            if not (has_unknown_revisions and existing.kind in _INDEPENDENT_KINDS):
                findings.append(_undeclared(existing))
            elif existing.kind == "table":
                findings += _without_row_security(existing)
    return findings


def _containers(declared: Snapshot, actual: Snapshot) -> set[tuple[str, ...]]:
    kinds = ("schema", *RELATION_KINDS)
    both = (item for key, item in declared.items() if key in actual)
    return {(), *(item.names for item in both if item.kind in kinds)}


def _container(item: Object) -> Relation | tuple[str, ...]:
    # The parts of an object that is missing or undeclared as a whole are not reported one by one.
    return item.on or (() if item.kind == "schema" else item.names[:1])


def _missing(declared: Object) -> Finding:
    return _finding(declared, "is missing", impact.of_missing(declared), repair.create(declared))


def _undeclared(actual: Object) -> Finding:
    return _finding(actual, "is not declared", impact.of_undeclared(actual), repair.drop(actual))


def _without_row_security(actual: Object) -> Iterable[Finding]:
    if not actual.facts["row_security"]:
        declared = Object("table access", actual.names, {"row_security": True})
        yield _change("row_security", declared, actual)


def _changes(declared: Object, actual: Object) -> Iterable[Finding]:
    for fact in declared.facts:
        if (declared.kind, fact) == ("table", "row_security"):
            continue  # reported for the table's access
        if fact == "grants":
            yield from _privileges(declared, actual)
        elif declared.facts[fact] != actual.facts[fact]:
            yield _change(fact, declared, actual)


def _change(fact: str, declared: Object, actual: Object) -> Finding:
    return _finding(
        declared,
        _difference(fact, declared, actual),
        impact.of_change(fact, declared, actual),
        repair.change(fact, declared, actual),
    )


def _difference(fact: str, declared: Object, actual: Object) -> str:
    values = [_short(fact, item.facts[fact]) for item in (actual, declared)]
    if fact == "owner":
        return f"is owned by {values[0]}"
    name = _FACT_NAMES.get(fact, fact.replace("_", " "))
    is_plural = fact in _PLURALS
    if None in values:
        return f"its {name} {'differ' if is_plural else 'differs'} from the declaration"
    return f"{name} {'are' if is_plural else 'is'} {values[0]}; declared: {values[1]}"


def _privileges(declared: Object, actual: Object) -> Iterable[Finding]:
    every_declared, every_actual = (_compared(item, declared) for item in (declared, actual))
    for role in sorted({*every_declared, *every_actual}):
        granted = every_declared.get(role, frozenset())
        held = every_actual.get(role, frozenset())
        if excess := sorted(held - granted):
            yield _finding(
                declared,
                f"{role_name(role)} holds {_in_words(excess)}; {_declared_like(excess, granted)}",
                impact.of_excess(declared, role, excess),
                repair.revoke(declared, role, excess),
            )
        # An owner holds every privilege, whatever is granted.
        if role != actual.owner and (lack := sorted(granted - held)):
            yield _finding(
                declared,
                f"{role_name(role)} does not hold {_in_words(lack)}",
                impact.of_lack(role),
                repair.grant(declared, role, lack),
            )


def _compared(item: Object, declared: Object) -> Privileges:
    # What was granted to other roles, an application's own or those of reports, is not declared
    # here. The privileges on the schema public differ with the server and with Supabase.
    roles = {PUBLIC, *API_ROLES, *declared.facts["grants"]}
    only = {"create"} if item.key == _PUBLIC_SCHEMA else None
    return {
        role: privileges if only is None else privileges & only
        for role, privileges in item.facts["grants"].items()
        if role in roles
    }


def _declared_like(excess: Sequence[str], declared: Iterable[str]) -> str:
    names = {_name(privilege) for privilege in excess}
    alike = sorted(privilege for privilege in declared if _name(privilege) in names)
    return f"declared: {_in_words(alike)}" if alike else "not declared"


def _in_words(privileges: Sequence[str]) -> str:
    # WITH GRANT OPTION implies the privilege itself.
    grantable = {each.removeprefix(GRANT_OPTION) for each in privileges if _is_option(each)}
    columns: dict[tuple[str, bool], list[str]] = defaultdict(list)
    words: dict[str, None] = {}
    for each in dict.fromkeys(privilege.removeprefix(GRANT_OPTION) for privilege in privileges):
        columns[_name(each), each in grantable].append(each.partition(" (")[2].rstrip(")"))
    for (name, is_grantable), named in columns.items():
        option = " WITH GRANT OPTION" if is_grantable else ""
        if "" in named:
            words[f"{name.upper()}{option}"] = None
        if listed := ", ".join(filter(None, named)):
            words[f"{name.upper()} ({listed}){option}"] = None
    return ", ".join(words)


def _is_option(privilege: str) -> bool:
    return privilege.startswith(GRANT_OPTION)


def _name(privilege: str) -> str:
    return privilege.removeprefix(GRANT_OPTION).partition(" (")[0]


def _finding(item: Object, difference: str, meaning: Impact, statement: str) -> Finding:
    return Finding(item.identity, difference, meaning.severity, meaning.text, statement)


def _short(fact: str, value: object) -> str | None:
    if value is None:
        return "none"
    if isinstance(value, bool):
        words = ("refused", "accepted") if fact == "nullable" else ("off", "on")
        return words[value]
    if fact == "roles" and isinstance(value, tuple):
        value = ", ".join(map(role_name, value))
    elif isinstance(value, tuple) and all(isinstance(item, str) for item in value):
        value = ", ".join(value)
    text = str(value)
    is_short = isinstance(value, str) and len(text) <= _LONGEST_VALUE and "\n" not in text
    return text if is_short else None
