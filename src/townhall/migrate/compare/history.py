"""Which entities the revisions of an application made, by the source of the revisions.

The database does not tell who made an object. A revision that is in the history and creates it with
:func:`townhall.pg.create_entity` does, and needs no mark in the database.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from townhall.pg import Entity
from townhall.pg.alembic_utils import PGGrantTable
from townhall.pg.fields import default
from townhall.pg.state import Key


def made_by(revisions: Iterable[Path], entities: Iterable[Entity]) -> set[Key]:
    """Return the keys of those entities that a revision created, and none dropped afterwards.

    A revision that drops and creates one only changes it. What a downgrade does does not count.

    Args:
        revisions: The files of the revisions, in the order in which they run.
        entities: The entities that are looked for.
    """
    wanted = {(type(each).__name__, _name_of(each)): each.key for each in entities}
    kinds = {type(each).__name__: type(each) for each in entities}
    made: set[Key] = set()
    for path in revisions:
        source = path.read_text(encoding="utf-8")
        if any(f"{name}(" in source or f"{name}.named(" in source for name in kinds):
            created, dropped = _created_and_dropped(ast.parse(source), kinds)
            changed = created & dropped
            made |= {wanted[each] for each in wanted.keys() & (created - changed)}
            made -= {wanted[each] for each in wanted.keys() & (dropped - changed)}
    return made


def granted_by(revisions: Iterable[Path]) -> list[PGGrantTable]:
    """Return the grants of alembic-utils that revisions made, and none took back afterwards.

    Args:
        revisions: The files of the revisions, in the order in which they run.
    """
    granted: dict[str, PGGrantTable] = {}
    for path in revisions:
        source = path.read_text(encoding="utf-8")
        if f"{_GRANT}(" in source:
            _follow_grants(ast.parse(source), granted)
    return [*granted.values()]


_GRANT = PGGrantTable.__name__


def _follow_grants(tree: ast.AST, granted: dict[str, PGGrantTable]) -> None:
    # alembic-utils writes: name = PGGrantTable(…), and then op.create_entity(name).
    named: dict[str, PGGrantTable] = {}
    for node in _without_downgrade(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            if isinstance(node.value, ast.Call) and ast.unparse(node.value.func) == _GRANT:
                values = {str(each.arg): _literal(each.value) for each in node.value.keywords}
                named[node.targets[0].id] = PGGrantTable(**values)
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Name):
            grant, what = named.get(node.args[0].id), ast.unparse(node.func)
            if grant and what in {"op.create_entity", "op.replace_entity"}:
                granted[grant.identity] = grant
            elif grant and what == "op.drop_entity":
                granted.pop(grant.identity, None)


def _literal(node: ast.expr) -> Any:  # noqa: ANN401 - any argument
    # A privilege may be a member of an enum: PGGrantTableChoice.SELECT.
    return node.attr if isinstance(node, ast.Attribute) else ast.literal_eval(node)


_Name = tuple[tuple[str, Any], ...]
_Named = tuple[str, _Name]


def _name_of(entity: Entity) -> _Name:
    return tuple((name, getattr(entity, name)) for name in entity.name_fields)


def _created_and_dropped(
    tree: ast.AST, kinds: Mapping[str, type[Entity]]
) -> tuple[set[_Named], set[_Named]]:
    created: set[_Named] = set()
    dropped: set[_Named] = set()
    for node in _without_downgrade(tree):
        if isinstance(node, ast.Call):
            name, only_named = _called(node.func)
            if name in kinds and (values := _name_in(node, kinds[name])):
                (dropped if only_named else created).add((name, values))
    return created, dropped


def _called(function: ast.expr) -> tuple[str, bool]:
    # pg.Policy(…) or Policy(…), and pg.Policy.named(…).
    *before, last = ast.unparse(function).split(".")
    return (before[-1], True) if last == "named" and before else (last, False)


def _name_in(call: ast.Call, kind: type[Entity]) -> _Name | None:
    values = {
        each.name: value
        for each in fields(kind)
        if each.name in kind.name_fields and (value := default(each)) is not MISSING
    }
    values |= {
        str(keyword.arg): keyword.value.value
        for keyword in call.keywords
        if isinstance(keyword.value, ast.Constant)
    }
    if not values.keys() >= {*kind.name_fields}:
        return None
    return tuple((name, values[name]) for name in kind.name_fields)


def _without_downgrade(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.FunctionDef) and child.name == "downgrade"):
            yield from _without_downgrade(child)
