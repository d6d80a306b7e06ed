"""The differences between two databases, object by object."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from townhall.check import impact, repair
from townhall.check.impact import Impact, Severity, role_name
from townhall.check.shared import has_no_table
from townhall.check.snapshot import (
    RELATION_KINDS,
    TYPE_KINDS,
    Key,
    Object,
    Relation,
    Snapshot,
    usual_owner,
)
from townhall.migrate.compare.exact_privileges import given, managing
from townhall.pg import PUBLIC, Policy, Trigger
from townhall.pg.catalog import Constraint, Grantees, Index
from townhall.pg.privileges import WITH_GRANT_OPTION, Privilege, texts_of
from townhall.printing import printable, printable_sql
from townhall.roles import Roles

_LONGEST_VALUE = 60
_INDEPENDENT_KINDS = frozenset(
    {
        *RELATION_KINDS,
        *TYPE_KINDS,
        "aggregate",
        "function",
        "procedure",
        "sequence",
        "window function",
    }
)
_PUBLIC_SCHEMA = ("schema access", "public")
_FACT_NAMES = {
    "forced": "forced row level security",
    "is_nullable": "NULL",
    "returns": "return type",
    "row_security": "row level security",
    "sequence_options": "sequence",
}
"""What messages call a fact, where that is not its own name."""
_PLURALS = {
    "arguments",
    "attribute_comments",
    "attributes",
    "checks",
    "column_comments",
    "column_defaults",
    "columns",
    "indexes",
    "parameters",
    "roles",
    "settings",
    "values",
}


@dataclass(frozen=True)
class Finding:
    """A difference between what is declared and what a database has.

    Attributes:
        object: The object that differs: ``policy public.events members can read``.
        difference: How it differs.
        severity: ``security``, ``functional`` or ``cosmetic``.
        impact: What the difference means.
        repair: What ends it: SQL, or a command, in the order of the findings.
        decision: Why a person has to decide first whether the repair is wanted, or None.
        is_drift: Whether the database differs from its revisions. Otherwise it is a note, which has
            no effect on the exit status: what is as declared and unsafe, and what revisions do not
            manage. A danger is none either, and has its own effect.
        danger: The kind of danger that it tells of; None where it tells of a difference.
        declared_at: The line that declares the object of a danger: ``app/models.py:12``.
        python: What to declare, so that the danger ends.
    """

    object: str
    difference: str
    severity: Severity
    impact: str
    repair: str
    decision: str | None = None
    is_drift: bool = True
    danger: str | None = None
    declared_at: str | None = None
    python: str | None = None

    def __str__(self) -> str:
        """Return the finding as one line, and a repair of several lines below it."""
        # The repair itself says that it deletes rows.
        is_said = self.decision in {None, repair.DELETES_ROWS}
        decision = "" if is_said else f" Decide first: {self.decision}."
        words = (
            f"{self.severity}: {self.object}: {self.difference}. Impact: {self.impact}."
            f"{decision} Repair:"
        )
        statement = printable_sql(self.repair)
        separator = "\n" if "\n" in statement else " "
        return f"{printable(words)}{separator}{statement}"


def compare(
    declared: Snapshot,
    actual: Snapshot,
    *,
    roles: Roles,
    has_unknown_revisions: bool = False,
    by_default: Grantees = MappingProxyType({}),
) -> list[Finding]:
    """Return the differences, sorted by object.

    Undeclared extensions and default privileges are none: others make these as well. Nor are
    undeclared objects of kinds that no comparison manages, such as rules, which notes tell of.

    Args:
        declared: What the revisions make.
        actual: What the database has.
        roles: The roles that requests act as, whose privileges are exact.
        has_unknown_revisions: Whether the database also has revisions of a history that is not
            known here. Independent objects that are not declared then belong to that history.
        by_default: The roles to which the default privileges of the database give something on what
            a repair creates, from which it takes that away.
    """
    both = _containers(declared, actual)
    renamed = _renamed_objects(declared, actual)
    named_otherwise = {item.key for item in renamed.values()}
    changes = _Changes(roles, usual_owner(actual), by_default)
    findings: list[Finding] = []
    for key in sorted({*declared, *actual}):
        declaration, existing = declared.get(key), actual.get(key)
        if declaration and existing:
            findings += changes.of(declaration, existing)
        elif existing and key in renamed:
            findings.append(_renamed(existing, renamed[key]))
        elif key in named_otherwise:
            continue
        elif declaration and _container(declaration) in both:
            findings.append(_missing(declaration, declared, by_default))
        elif existing and _is_dropped(existing) and _container(existing) in both:
            if not (has_unknown_revisions and existing.kind in _INDEPENDENT_KINDS):
                findings.append(_undeclared(existing))
            elif existing.kind == "table":
                findings += _without_row_security(existing)
    return findings


def _renamed_objects(declared: Snapshot, actual: Snapshot) -> Mapping[Key, Object]:
    # What an undeclared part of a table is declared as: others may depend on it.
    relations = {(item.names[0], item.names[-1]) for item in actual.values() if _is_relation(item)}
    missing: dict[Hashable, Object] = {
        same: item
        for key, item in sorted(declared.items())
        if key not in actual
        and (same := _without_name(item)) is not None
        and not (_is_relation(item) and (item.names[0], item.names[-1]) in relations)
    }
    return {
        key: missing.pop(same)
        for key, item in sorted(actual.items())
        if key not in declared and (same := _without_name(item)) in missing
    }


def _is_relation(item: Object) -> bool:
    return item.kind in {"index", "sequence", *RELATION_KINDS}


def _without_name(item: Object) -> Hashable | None:
    # What two objects have in common that differ in name alone; None where no rename is certain.
    match item.record, item.entity:
        case Constraint(definition=definition), _:
            return item.kind, item.on, definition
        case Index(is_valid=True) as index, _:
            return item.kind, item.on, index.is_unique, index.method_and_columns
        case _, Policy() | Trigger():
            facts = sorted((name, repr(fact)) for name, fact in item.facts.items())
            return item.kind, item.on, *(each for each in facts if each[0] != "comment")
    return None


def _renamed(actual: Object, declared: Object) -> Finding:
    name = declared.names[-1]
    statement = repair.rename(actual, name)
    return _finding(actual, f"is declared with the name {name}", impact.RENAMED, statement)


def _is_dropped(undeclared: Object) -> bool:
    return undeclared.is_managed and not has_no_table(undeclared)


def _containers(declared: Snapshot, actual: Snapshot) -> set[tuple[str, ...]]:
    kinds = ("schema", *RELATION_KINDS)
    both = (item for key, item in declared.items() if key in actual)
    # The tables of the platform are not among the objects.
    of_platform = (item for item in declared.values() if item.entity and item.entity.is_shared)
    return {
        (),
        *(item.names for item in both if item.kind in kinds),
        *(item.on for item in of_platform if item.on),
    }


def _container(item: Object) -> Relation | tuple[str, ...]:
    # The parts of an object that is missing or undeclared as a whole are not reported one by one.
    is_of_database = item.kind == "schema" or (item.entity is not None and item.entity.is_shared)
    return item.on or (() if is_of_database else item.names[:1])


def _missing(declared: Object, snapshot: Snapshot, by_default: Grantees) -> Finding:
    of_table = declared.names if declared.kind == "table" else None
    parts = [item for item in snapshot.values() if item.on is not None and item.on == of_table]
    created = declared.entity and given(declared.entity, by_default)
    statement = repair.create(replace(declared, entity=created), parts)
    return _finding(declared, "is missing", impact.of_missing(declared), statement)


def _undeclared(actual: Object) -> Finding:
    statement = repair.drop(actual)
    finding = _finding(actual, "is not declared", impact.of_undeclared(actual), statement)
    is_marked = statement.startswith(repair.DECLARE)
    return replace(finding, decision=repair.DELETES_ROWS) if is_marked else finding


def _without_row_security(actual: Object) -> Iterable[Finding]:
    if not actual.facts["row_security"]:
        declared = Object("table access", actual.names, {"row_security": True})
        yield _change("row_security", declared, actual)


@dataclass(frozen=True)
class _Changes:
    # The differences of objects that are declared and exist.
    roles: Roles
    owner: str | None
    by_default: Grantees

    def of(self, declared: Object, actual: Object) -> Iterable[Finding]:
        declared = self._keeping(declared, actual)
        for fact in declared.facts:
            if (declared.kind, fact) == ("table", "row_security"):
                continue  # reported for the table's access
            if fact == "grants":
                yield from self._privileges(declared, actual)
            elif declared.facts[fact] == actual.facts[fact]:
                continue
            elif fact == "sequence_options" and not all(
                each.facts[fact] for each in (declared, actual)
            ):
                continue  # the default differs, and its repair makes or leaves the sequence
            elif fact == "owner":
                yield self._owner(declared, actual)
            else:
                yield _change(fact, declared, actual)

    def _keeping(self, declared: Object, actual: Object) -> Object:
        # What a repair drops and creates again keeps what is not declared.
        entity, previous = declared.entity, actual.entity
        if entity is None or previous is None or entity.can_replace(previous):
            return declared
        kept = entity.keeping(previous, entity)
        return replace(declared, entity=managing(kept, self.by_default))

    def _owner(self, declared: Object, actual: Object) -> Finding:
        meaning = impact.of_change("owner", declared, actual)
        statement = repair.change_owner(declared, declared.facts["owner"] or self.owner)
        finding = _finding(declared, f"is owned by {actual.owner}", meaning, statement)
        return replace(finding, decision=repair.CHANGES_OWNER)

    def _privileges(self, declared: Object, actual: Object) -> Iterable[Finding]:
        every_declared, every_actual = (
            self._compared(item, declared) for item in (declared, actual)
        )
        for role in sorted({*every_declared, *every_actual}):
            granted = every_declared.get(role, frozenset())
            held = every_actual.get(role, frozenset())
            if excess := _ordered(p for p in held - granted if p.with_grant_option not in granted):
                words = f"{_in_words(excess)}; {_declared_like(excess, granted)}"
                yield _finding(
                    declared,
                    f"{role_name(role)} holds {words}",
                    impact.of_excess(declared, role, excess, self.roles),
                    repair.revoke(declared, role, excess),
                )
            lack = _ordered(p for p in granted - held if p.with_grant_option not in held)
            if lack and role != actual.owner:  # the owner holds every privilege
                yield _finding(
                    declared,
                    f"{role_name(role)} does not hold {_in_words(lack)}",
                    impact.of_lack(role),
                    repair.grant(declared, role, lack),
                )

    def _compared(self, item: Object, declared: Object) -> Mapping[str, frozenset[Privilege]]:
        # What was granted to other roles, an application's own or those of reports, is not declared
        # here. The privileges on the schema public differ with the server and with Supabase.
        roles = {PUBLIC, *self.roles.names, *declared.facts["grants"]}
        only = {Privilege("create")} if item.key == _PUBLIC_SCHEMA else None
        return {
            role: privileges if only is None else privileges & only
            for role, privileges in item.facts["grants"].items()
            if role in roles
        }


def _change(fact: str, declared: Object, actual: Object) -> Finding:
    return _finding(
        declared,
        _difference(fact, declared, actual),
        impact.of_change(fact, declared, actual),
        repair.change(fact, declared, actual),
    )


def _difference(fact: str, declared: Object, actual: Object) -> str:
    values = [_short(fact, item.facts[fact]) for item in (actual, declared)]
    name = _FACT_NAMES.get(fact, fact.removeprefix("is_").replace("_", " "))
    is_plural = fact in _PLURALS
    if None in values:
        return f"its {name} {'differ' if is_plural else 'differs'} from the declaration"
    return f"{name} {'are' if is_plural else 'is'} {values[0]}; declared: {values[1]}"


def _ordered(privileges: Iterable[Privilege]) -> list[Privilege]:
    return sorted(privileges, key=lambda each: (each.name, each.column or "", each.is_grantable))


def _declared_like(excess: Iterable[Privilege], granted: Iterable[Privilege]) -> str:
    names = {privilege.name for privilege in excess}
    alike = _ordered(privilege for privilege in granted if privilege.name in names)
    return f"declared: {_in_words(alike)}" if alike else "not declared"


def _in_words(privileges: Iterable[Privilege]) -> str:
    return ", ".join(map(_upper, texts_of(privileges)))


def _upper(text: str) -> str:
    privilege = text.removesuffix(WITH_GRANT_OPTION)
    name, opening, columns = privilege.partition(" (")
    return name.upper() + opening + columns + text.removeprefix(privilege).upper()


def _finding(item: Object, difference: str, meaning: Impact, statement: str) -> Finding:
    return Finding(item.identity, difference, meaning.severity, meaning.text, statement)


def _short(fact: str, value: object) -> str | None:
    if value is None:
        return "none"
    if isinstance(value, bool):
        words = ("refused", "accepted") if fact == "is_nullable" else ("off", "on")
        return words[value]
    if fact == "roles" and isinstance(value, tuple):
        value = ", ".join(map(role_name, value))
    elif isinstance(value, tuple) and all(isinstance(item, str) for item in value):
        value = ", ".join(value)
    text = str(value)
    is_short = isinstance(value, str) and len(text) <= _LONGEST_VALUE and "\n" not in text
    return text if is_short else None
