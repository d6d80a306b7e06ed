"""What brings a database back to what it should be, in SQL."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from townhall.check.reading import GRANT_OPTION, RELATION_KINDS, Thing
from townhall.pg import Entity, Function, ReplicaIdentity, TableAccess, sql
from townhall.pg.entity import comment_statement

UPGRADE = "alembic upgrade heads"
AUTOGENERATE = "alembic revision --autogenerate"
DECLARE = "declare it, or "
"""What stands before SQL that destroys rows."""


def create(wanted: Thing) -> str:
    """Return what brings something back that is missing."""
    if wanted.entity is not None:
        return _joined(wanted.entity.create_statements())
    match wanted.kind:
        case "column":
            definition = " ".join(_column(wanted))
            return _joined(
                [
                    f"alter table {_relation(wanted)} add column {_name(wanted)} {definition}",
                    _column_change("comment", wanted, wanted),
                ]
            )
        case "constraint":
            definition = wanted.facts["definition"]
            return f"alter table {_relation(wanted)} add constraint {_name(wanted)} {definition}"
        case "index" | "rule" | "procedure" | "window function":
            return str(wanted.facts["definition"])
    return AUTOGENERATE


def drop(there: Thing) -> str:
    """Return what removes something that nobody declared."""
    if there.entity is not None:
        return _joined(there.entity.drop_statements())
    holds_rows = DECLARE if there.kind in {"column", "table"} else ""
    if there.kind in {"column", "constraint"}:
        drops = f"alter table {_relation(there)} drop {there.kind} {_name(there)}"
    elif there.kind == "rule":
        drops = f"drop rule {_name(there)} on {_relation(there)}"
    elif there.kind == "index":
        drops = f"drop index {_index(there)}"
    else:
        kind = "function" if there.kind == "window function" else there.kind
        drops = f"drop {kind} {_target(there)}"
    return holds_rows + drops


def change(fact: str, wanted: Thing, there: Thing) -> str:
    """Return what makes something what it should be.

    Args:
        fact: What of it is different.
        wanted: What it should be like.
        there: What it is like.
    """
    if fact == "owner":
        return f"alter {_kind(wanted)} {_target(wanted)} owner to the role that owns the others"
    cure = _CHANGES[wanted.kind](fact, wanted, there) if wanted.kind in _CHANGES else None
    if cure is not None:
        return cure
    if wanted.entity is not None and there.entity is not None:
        return _entity_change(wanted.entity, there.entity)
    if fact == "comment":
        return comment_statement(_kind(wanted), _commented(wanted), wanted.facts[fact])
    return AUTOGENERATE


def revoke(wanted: Thing, role: str, privileges: Sequence[str]) -> str:
    """Return what takes privileges from a role, and leaves it those that it should have.

    Args:
        wanted: What the object should be like.
        role: The role.
        privileges: What it has too much.
    """
    plain = _plain(privileges)
    passing_on = [each for each in privileges if each.startswith(GRANT_OPTION)]
    target = f"on {_granted(wanted)} from {sql.role(role)}"
    revoked = [f"revoke {words} {target}" for words in (", ".join(plain), *passing_on) if words]
    # With a privilege on a table go those of its name on columns.
    columns = [
        each
        for each in sorted(wanted.facts["grants"].get(role, ()))
        if each.partition(" (")[0] in plain
    ]
    return _joined([*revoked, *([grant(wanted, role, columns)] if columns else [])])


def grant(wanted: Thing, role: str, privileges: Sequence[str]) -> str:
    """Return what gives privileges to a role that it should have."""
    passing_on = [
        privilege.removeprefix(GRANT_OPTION)
        for privilege in privileges
        if privilege.startswith(GRANT_OPTION)
    ]
    target = f"on {_granted(wanted)} to {sql.role(role)}"
    return _joined(
        f"grant {', '.join(words)} {target}{option}"
        for words, option in (
            ([each for each in _plain(privileges) if each not in passing_on], ""),
            (passing_on, " with grant option"),
        )
        if words
    )


def _plain(privileges: Iterable[str]) -> list[str]:
    return [privilege for privilege in privileges if not privilege.startswith(GRANT_OPTION)]


def _entity_change(wanted: Entity, there: Entity) -> str:
    if wanted.can_replace(there):
        return _joined(wanted.replace_statements())
    return _joined([*there.drop_statements(), *wanted.create_statements()])


def _column(wanted: Thing) -> Iterable[str]:
    facts = wanted.facts
    yield facts["type"]
    if facts["collation"]:
        yield f"collate {facts['collation']}"
    if facts["generated"]:
        yield f"generated always as ({facts['default']}) stored"
    elif facts["default"]:
        yield f"default {facts['default']}"
    if facts["identity"]:
        yield f"generated {'always' if facts['identity'] == 'a' else 'by default'} as identity"
    if not facts["nullable"]:
        yield "not null"


def _access_change(fact: str, wanted: Thing, _: Thing) -> str:
    words = {
        ("row_security", True): "enable",
        ("row_security", False): "disable",
        ("forced", True): "force",
        ("forced", False): "no force",
    }
    switch = words[fact, wanted.facts[fact]]
    return f"alter table {_target(wanted)} {switch} row level security"


def _view_change(fact: str, wanted: Thing, _: Thing) -> str | None:
    if fact not in {"security_invoker", "security_barrier"}:
        return None
    return f"alter view {_target(wanted)} set ({fact} = {str(wanted.facts[fact]).lower()})"


def _function_change(fact: str, wanted: Thing, _: Thing) -> str | None:
    if fact != "security":
        return None
    return f"alter function {_target(wanted)} security {wanted.facts[fact]}"


def _table_change(fact: str, wanted: Thing, _: Thing) -> str | None:
    if fact != "persistence":
        return None
    return f"alter table {_target(wanted)} set {wanted.facts[fact]}"


def _column_change(fact: str, wanted: Thing, _: Thing) -> str:
    value = wanted.facts[fact]
    is_generated = wanted.facts["generated"] is not None
    alter = f"alter table {_relation(wanted)} alter column {_name(wanted)}"
    match fact:
        case "comment":
            return comment_statement("column", f"{_relation(wanted)}.{_name(wanted)}", value)
        case "nullable":
            return f"{alter} {'drop' if value else 'set'} not null"
        case "default" if not is_generated:
            return f"{alter} set default {value}" if value else f"{alter} drop default"
        case "type":
            return f"{alter} type {value}"
    return AUTOGENERATE


def _constraint_change(fact: str, wanted: Thing, there: Thing) -> str:
    alter, name = f"alter table {_relation(wanted)}", _name(wanted)
    definition = wanted.facts["definition"]
    match fact:
        case "comment":
            on = f"{name} on {_relation(wanted)}"
            return comment_statement("constraint", on, wanted.facts[fact])
        case "enforced":
            return f"{alter} enable trigger all"
        case "definition" if there.facts["definition"] == f"{definition} NOT VALID":
            return f"{alter} validate constraint {name}"
    return f"{alter} drop constraint {name}, add constraint {name} {definition}"


def _index_change(fact: str, wanted: Thing, there: Thing) -> str:
    if fact == "comment":
        return comment_statement("index", _index(wanted), wanted.facts[fact])
    return f"{drop(there)}; {create(wanted)}"


_CHANGES: Mapping[str, Callable[[str, Thing, Thing], str | None]] = {
    "column": _column_change,
    "constraint": _constraint_change,
    "function": _function_change,
    "index": _index_change,
    "table": _table_change,
    "table access": _access_change,
    "view": _view_change,
}


def _kind(thing: Thing) -> str:
    return "table" if isinstance(thing.entity, TableAccess | ReplicaIdentity) else thing.kind


def _granted(thing: Thing) -> str:
    if thing.kind == "schema":
        return f"schema {_target(thing)}"
    if thing.kind in {"table access", *RELATION_KINDS}:
        return f"table {_target(thing)}"
    return f"{'function' if thing.kind == 'function' else 'routine'} {_target(thing)}"


def _commented(thing: Thing) -> str:
    return _target(thing) if thing.on is None else f"{_name(thing)} on {_relation(thing)}"


def _target(thing: Thing) -> str:
    if isinstance(thing.entity, Function):
        return thing.entity.literal_signature
    if thing.kind in {"procedure", "aggregate", "window function"}:
        schema, signature = thing.names
        name, arguments = signature.split("(", 1)
        return f"{sql.quote(schema)}.{sql.quote(name)}({arguments}"
    return ".".join(map(sql.quote, thing.names))


def _relation(thing: Thing) -> str:
    return ".".join(map(sql.quote, thing.names[:2]))


def _index(thing: Thing) -> str:
    return f"{sql.quote(thing.names[0])}.{_name(thing)}"


def _name(thing: Thing) -> str:
    return sql.quote(thing.names[-1])


def _joined(statements: Iterable[str]) -> str:
    return "; ".join(statements)
