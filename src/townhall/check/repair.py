"""The SQL that makes a database what is declared."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from townhall.check.snapshot import GRANT_OPTION, RELATION_KINDS, Object
from townhall.pg import Entity, Function, ReplicaIdentity, TableAccess, sql
from townhall.pg.entity import comment_statement

UPGRADE = "alembic upgrade heads"
AUTOGENERATE = "alembic revision --autogenerate"
DECLARE = "declare it, or "
"""The prefix of SQL that deletes rows."""


def create(declared: Object) -> str:
    """Return what creates a declared object that is missing."""
    if declared.entity is not None:
        return _joined(declared.entity.create_statements())
    match declared.kind:
        case "column":
            definition = " ".join(_column(declared))
            return _joined(
                [
                    f"alter table {_relation(declared)} add column {_name(declared)} {definition}",
                    _column_change("comment", declared, declared),
                ]
            )
        case "constraint":
            definition = declared.facts["definition"]
            return (
                f"alter table {_relation(declared)} add constraint {_name(declared)} {definition}"
            )
        case "index" | "rule" | "procedure" | "window function":
            return str(declared.facts["definition"])
    return AUTOGENERATE


def drop(actual: Object) -> str:
    """Return what drops an object that is not declared."""
    if actual.entity is not None:
        return _joined(actual.entity.drop_statements())
    condition = DECLARE if actual.kind in {"column", "table"} else ""
    if actual.kind in {"column", "constraint"}:
        drops = f"alter table {_relation(actual)} drop {actual.kind} {_name(actual)}"
    elif actual.kind == "rule":
        drops = f"drop rule {_name(actual)} on {_relation(actual)}"
    elif actual.kind == "index":
        drops = f"drop index {_index(actual)}"
    else:
        kind = "function" if actual.kind == "window function" else actual.kind
        drops = f"drop {kind} {_target(actual)}"
    return condition + drops


def change(fact: str, declared: Object, actual: Object) -> str:
    """Return what changes an object to what is declared.

    Args:
        fact: The name of the fact that differs.
        declared: The object as declared.
        actual: The object as it is.
    """
    if fact == "owner":
        return f"alter {_kind(declared)} {_target(declared)} owner to the role that owns the others"
    statement = (
        _CHANGES[declared.kind](fact, declared, actual) if declared.kind in _CHANGES else None
    )
    if statement is not None:
        return statement
    if declared.entity is not None and actual.entity is not None:
        return _entity_change(declared.entity, actual.entity)
    if fact == "comment":
        return comment_statement(_kind(declared), _commented(declared), declared.facts[fact])
    return AUTOGENERATE


def revoke(declared: Object, role: str, privileges: Sequence[str]) -> str:
    """Return what revokes privileges from a role, except those that are declared.

    Args:
        declared: The object as declared.
        role: The role.
        privileges: The privileges that are not declared.
    """
    not_grantable = _not_grantable(privileges)
    grantable = [each for each in privileges if each.startswith(GRANT_OPTION)]
    target = f"on {_granted(declared)} from {sql.role(role)}"
    revoked = [
        f"revoke {words} {target}" for words in (", ".join(not_grantable), *grantable) if words
    ]
    # Revoking a privilege on a table revokes it on the columns too.
    columns = [
        each
        for each in sorted(declared.facts["grants"].get(role, ()))
        if each.partition(" (")[0] in not_grantable
    ]
    return _joined([*revoked, *([grant(declared, role, columns)] if columns else [])])


def grant(declared: Object, role: str, privileges: Sequence[str]) -> str:
    """Return what grants declared privileges to a role."""
    grantable = [
        privilege.removeprefix(GRANT_OPTION)
        for privilege in privileges
        if privilege.startswith(GRANT_OPTION)
    ]
    target = f"on {_granted(declared)} to {sql.role(role)}"
    return _joined(
        f"grant {', '.join(words)} {target}{option}"
        for words, option in (
            ([each for each in _not_grantable(privileges) if each not in grantable], ""),
            (grantable, " with grant option"),
        )
        if words
    )


def _not_grantable(privileges: Iterable[str]) -> list[str]:
    return [privilege for privilege in privileges if not privilege.startswith(GRANT_OPTION)]


def _entity_change(declared: Entity, actual: Entity) -> str:
    if declared.can_replace(actual):
        return _joined(declared.replace_statements())
    return _joined([*actual.drop_statements(), *declared.create_statements()])


def _column(declared: Object) -> Iterable[str]:
    facts = declared.facts
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


def _access_change(fact: str, declared: Object, _: Object) -> str:
    words = {
        ("row_security", True): "enable",
        ("row_security", False): "disable",
        ("forced", True): "force",
        ("forced", False): "no force",
    }
    switch = words[fact, declared.facts[fact]]
    return f"alter table {_target(declared)} {switch} row level security"


def _view_change(fact: str, declared: Object, _: Object) -> str | None:
    if fact not in {"security_invoker", "security_barrier"}:
        return None
    return f"alter view {_target(declared)} set ({fact} = {str(declared.facts[fact]).lower()})"


def _function_change(fact: str, declared: Object, _: Object) -> str | None:
    if fact != "security":
        return None
    return f"alter function {_target(declared)} security {declared.facts[fact]}"


def _table_change(fact: str, declared: Object, _: Object) -> str | None:
    if fact != "persistence":
        return None
    return f"alter table {_target(declared)} set {declared.facts[fact]}"


def _column_change(fact: str, declared: Object, _: Object) -> str:
    value = declared.facts[fact]
    is_generated = declared.facts["generated"] is not None
    alter = f"alter table {_relation(declared)} alter column {_name(declared)}"
    match fact:
        case "comment":
            return comment_statement("column", f"{_relation(declared)}.{_name(declared)}", value)
        case "nullable":
            return f"{alter} {'drop' if value else 'set'} not null"
        case "default" if not is_generated:
            return f"{alter} set default {value}" if value else f"{alter} drop default"
        case "type":
            return f"{alter} type {value}"
    return AUTOGENERATE


def _constraint_change(fact: str, declared: Object, actual: Object) -> str:
    alter, name = f"alter table {_relation(declared)}", _name(declared)
    definition = declared.facts["definition"]
    match fact:
        case "comment":
            on = f"{name} on {_relation(declared)}"
            return comment_statement("constraint", on, declared.facts[fact])
        case "enforced":
            return f"{alter} enable trigger all"
        case "definition" if actual.facts["definition"] == f"{definition} NOT VALID":
            return f"{alter} validate constraint {name}"
    return f"{alter} drop constraint {name}, add constraint {name} {definition}"


def _index_change(fact: str, declared: Object, actual: Object) -> str:
    if fact == "comment":
        return comment_statement("index", _index(declared), declared.facts[fact])
    return f"{drop(actual)}; {create(declared)}"


_CHANGES: Mapping[str, Callable[[str, Object, Object], str | None]] = {
    "column": _column_change,
    "constraint": _constraint_change,
    "function": _function_change,
    "index": _index_change,
    "table": _table_change,
    "table access": _access_change,
    "view": _view_change,
}


def _kind(item: Object) -> str:
    return "table" if isinstance(item.entity, TableAccess | ReplicaIdentity) else item.kind


def _granted(item: Object) -> str:
    if item.kind == "schema":
        return f"schema {_target(item)}"
    if item.kind in {"table access", *RELATION_KINDS}:
        return f"table {_target(item)}"
    return f"{'function' if item.kind == 'function' else 'routine'} {_target(item)}"


def _commented(item: Object) -> str:
    return _target(item) if item.on is None else f"{_name(item)} on {_relation(item)}"


def _target(item: Object) -> str:
    if isinstance(item.entity, Function):
        return item.entity.literal_signature
    if item.kind in {"procedure", "aggregate", "window function"}:
        schema, signature = item.names
        name, arguments = signature.split("(", 1)
        return f"{sql.quote(schema)}.{sql.quote(name)}({arguments}"
    return ".".join(map(sql.quote, item.names))


def _relation(item: Object) -> str:
    return ".".join(map(sql.quote, item.names[:2]))


def _index(item: Object) -> str:
    return f"{sql.quote(item.names[0])}.{_name(item)}"


def _name(item: Object) -> str:
    return sql.quote(item.names[-1])


def _joined(statements: Iterable[str]) -> str:
    return "; ".join(statements)
