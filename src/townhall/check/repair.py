"""The SQL that makes a database what is declared."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from townhall.check.snapshot import RELATION_KINDS, TYPE_KINDS, Object
from townhall.check.table_repair import (
    add_column,
    change_column,
    change_constraint,
    change_index,
    create_index,
    create_table,
)
from townhall.check.type_repair import change_alterable
from townhall.pg import (
    AlterableEntity,
    Entity,
    ReplicaIdentity,
    Routine,
    TableAccess,
    catalog,
    ddl,
    sql,
)
from townhall.pg.entity import comment_statement
from townhall.pg.layout import pieces
from townhall.pg.privileges import Privilege, grant_to, revoke_from, texts_of

ADOPT = "townhall adopt"
UPGRADE = "alembic upgrade heads"
AUTOGENERATE = "alembic revision --autogenerate"
DECLARE = "declare it, or "
"""The prefix of SQL that deletes rows."""
DELETES_ROWS = "it deletes rows"
"""Why such SQL needs a decision."""
CHANGES_OWNER = "a superuser or a member of both roles has to run it"
"""Why a change of the owner needs one."""

_DROP = re.compile(r"\bdrop\b", re.IGNORECASE)
_ALTER_TYPE = re.compile(r"""\balter column ("([^"]|"")+"|\w+) type\b""", re.IGNORECASE)


def takes_away(repair: str) -> bool:
    """Tell whether a repair drops something."""
    return any(not is_opaque and _DROP.search(piece) for piece, is_opaque in pieces(repair))


def alters_type(repair: str) -> bool:
    """Tell whether a repair changes the type of a column, which views on it refuse."""
    return _ALTER_TYPE.search(repair) is not None


def create(declared: Object, parts: Sequence[Object] = ()) -> str:
    """Return what creates a declared object that is missing.

    Args:
        declared: The object.
        parts: The declared objects that belong to it, if it is a table.
    """
    if declared.entity is not None:
        return _joined(declared.entity.create_statements())
    match declared.record:
        case catalog.Column() as column:
            created = add_column(_relation(declared), column)
        case catalog.Constraint() as constraint:
            created = [
                ddl.add_constraint(_relation(declared), constraint.name, constraint.definition)
            ]
        case catalog.Index() as index:
            created = [create_index(index)]
        case catalog.Table(kind="table") as table:
            created = create_table(table)
        case _:
            created = _create_other(declared)
    if not created:
        return AUTOGENERATE
    return _joined([*created, *_comments(declared), *_create_parts(parts)])


def _create_other(declared: Object) -> list[str]:
    if declared.kind == "schema":
        return [ddl.create_schema(declared.names[0])]
    definition = declared.facts.get("definition")
    if definition is None:
        return []
    grants = declared.facts.get("grants", {}).items()
    return [
        definition,
        *(
            statement
            for role, privileges in grants
            for statement in grant_to(_granted(declared), role, texts_of(privileges))
        ),
    ]


def _comments(declared: Object) -> Iterable[str]:
    if (comment := declared.facts.get("comment")) is not None:
        yield comment_statement(_kind(declared), _commented(declared), comment)


def _create_parts(parts: Sequence[Object]) -> Iterable[str]:
    for part in parts:
        if part.entity is not None:
            yield from part.entity.create_statements()
        elif isinstance(part.record, catalog.Index):
            yield create(part)
        else:
            yield from _comments(part)


def drop(actual: Object) -> str:
    """Return what drops an object that is not declared."""
    if actual.entity is not None:
        return _joined(actual.entity.drop_statements())
    condition = DECLARE if actual.kind in {"column", "table"} else ""
    match actual.kind:
        case "column":
            drops = ddl.drop_column(_relation(actual), actual.names[-1])
        case "constraint":
            drops = ddl.drop_constraint(_relation(actual), actual.names[-1])
        case "rule":
            drops = f"drop rule {_name(actual)} on {_relation(actual)}"
        case _:
            drops = f"drop {_kind(actual)} {_target(actual)}"
    return condition + drops


def rename(actual: Object, name: str) -> str:
    """Return what gives a constraint, an index, a policy or a trigger its declared name.

    Args:
        actual: The object as it is.
        name: The declared name.
    """
    match actual.kind:
        case "constraint":
            return ddl.rename_constraint(_relation(actual), actual.names[-1], name)
        case "index":
            return f"alter index {_target(actual)} rename to {sql.quote(name)}"
    return f"alter {actual.kind} {_name(actual)} on {_relation(actual)} rename to {sql.quote(name)}"


def change(fact: str, declared: Object, actual: Object) -> str:
    """Return what changes an object to what is declared.

    Args:
        fact: The name of the fact that differs.
        declared: The object as declared, with what it is to keep where it is created again.
        actual: The object as it is.
    """
    special = _CHANGES.get(declared.kind)
    if special is not None and (statements := list(special(fact, declared, actual))):
        return _joined(statements)
    if declared.entity is not None and actual.entity is not None:
        return _joined(_entity_change(declared.entity, actual.entity))
    if fact == "comment":
        return comment_statement(_kind(declared), _commented(declared), declared.facts[fact])
    if declared.kind == "rule":
        return f"{drop(actual)}; {create(declared)}"
    return declared.facts.get("definition") or AUTOGENERATE


def change_owner(declared: Object, role: str | None) -> str:
    """Return what changes the owner of an object.

    Args:
        declared: The object as declared.
        role: The new owner; None for the role that runs the statement.
    """
    return ddl.set_owner(_kind(declared), _target(declared), role)


def revoke(declared: Object, role: str, privileges: Sequence[Privilege]) -> str:
    """Return what revokes privileges from a role, except those that are declared.

    Args:
        declared: The object as declared.
        role: The role.
        privileges: The privileges that are not declared.
    """
    granted = declared.facts["grants"].get(role, frozenset())
    options = [each for each in privileges if each.without_grant_option in granted]
    entirely = [each for each in privileges if each not in options]
    target = _granted(declared)
    statements = []
    if entirely:
        statements.append(revoke_from(target, role, texts_of(entirely)))
    if options:
        statements.append(revoke_from(target, role, texts_of(options), grant_option_only=True))
    # Revoking a privilege on a table revokes it on the columns too.
    names = {each.name for each in entirely if each.column is None}
    columns = [each for each in granted if each.column is not None and each.name in names]
    return _joined([*statements, *([grant(declared, role, columns)] if columns else [])])


def grant(declared: Object, role: str, privileges: Iterable[Privilege]) -> str:
    """Return what grants declared privileges to a role."""
    ordered = sorted(privileges, key=lambda each: each.column or "")
    return _joined(grant_to(_granted(declared), role, texts_of(ordered)))


def _entity_change(declared: Entity, actual: Entity) -> Iterable[str]:
    if declared.can_replace(actual):
        return declared.replace_statements()
    return [*actual.drop_statements(), *declared.create_statements()]


def _change_access(fact: str, declared: Object, _: Object) -> Iterable[str]:
    words = {
        ("row_security", True): "enable",
        ("row_security", False): "disable",
        ("forced", True): "force",
        ("forced", False): "no force",
    }
    if switch := words.get((fact, declared.facts[fact])):
        yield f"alter table {_target(declared)} {switch} row level security"


def _change_view(fact: str, declared: Object, _: Object) -> Iterable[str]:
    if fact in {"security_invoker", "security_barrier"}:
        value = str(declared.facts[fact]).lower()
        yield f"alter view {_target(declared)} set ({fact} = {value})"


def _change_function(fact: str, declared: Object, _: Object) -> Iterable[str]:
    if fact == "security":
        yield f"alter function {_target(declared)} security {declared.facts[fact]}"


def _change_table(fact: str, declared: Object, _: Object) -> Iterable[str]:
    if fact == "persistence":
        yield f"alter table {_target(declared)} set {declared.facts[fact]}"


_CHANGES: Mapping[str, Callable[[str, Object, Object], Iterable[str]]] = {
    "column": change_column,
    "composite type": change_alterable,
    "constraint": change_constraint,
    "domain": change_alterable,
    "enum": change_alterable,
    "function": _change_function,
    "index": change_index,
    "range type": change_alterable,
    "sequence": change_alterable,
    "table": _change_table,
    "table access": _change_access,
    "view": _change_view,
}


def _kind(item: Object) -> str:
    if isinstance(item.entity, AlterableEntity):
        return item.entity.sql_kind
    if isinstance(item.record, catalog.Table) and item.record.kind == "foreign table":
        return "foreign table"
    if isinstance(item.entity, TableAccess | ReplicaIdentity):
        return "table"
    return "function" if item.kind == "window function" else item.kind


def _granted(item: Object) -> str:
    if item.kind == "schema access":
        return f"schema {_target(item)}"
    if item.kind in {"table access", *RELATION_KINDS}:
        return f"table {_target(item)}"
    if item.kind == "sequence":
        return f"sequence {_target(item)}"
    if item.kind in TYPE_KINDS:
        return f"type {_target(item)}"
    return f"{'function' if item.kind == 'function' else 'routine'} {_target(item)}"


def _commented(item: Object) -> str:
    if item.kind == "column":
        return sql.qualified(*item.names)
    if item.on is None or item.kind == "index":
        return _target(item)
    return f"{_name(item)} on {_relation(item)}"


def _target(item: Object) -> str:
    if isinstance(item.entity, Routine):
        return item.entity.literal_signature
    if item.kind in {"aggregate", "window function"}:
        schema, signature = item.names
        name, arguments = signature.split("(", 1)
        return f"{sql.qualified(schema, name)}({arguments}"
    if item.kind == "index":
        return sql.qualified(item.names[0], item.names[-1])
    return sql.qualified(*item.names)


def _relation(item: Object) -> str:
    return sql.qualified(*item.names[:2])


def _name(item: Object) -> str:
    return sql.quote(item.names[-1])


def _joined(statements: Iterable[str]) -> str:
    return "; ".join(statements)
