"""The source of a revision: the calls by which it creates and drops, read without running it."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

_DROPS = "drop_entity"
_TAKES = {"create_entity", "replace_entity", _DROPS}


@dataclass(frozen=True)
class Call:
    """A call of a function or a class, with what is written out of its arguments.

    Attributes:
        name: The last part of what is called: ``create_table``, ``Policy``.
        texts: The texts that are its first arguments.
        given: The arguments by name that are constants.
        drops: Whether it stands for an object that is dropped: ``pg.Policy.named(…)``, or what
            ``drop_entity`` is given.
    """

    name: str
    texts: tuple[str, ...]
    given: Mapping[str, Any]
    drops: bool = False

    def text(self, name: str, otherwise: str = "") -> str:
        """Return an argument that is a text; another one where it is not given as one."""
        value = self.given.get(name)
        return value if isinstance(value, str) else otherwise


class Source:
    """What a revision calls; each of the two ways is read when it is first asked for."""

    def __init__(self, content: bytes = b"") -> None:
        """Take a revision.

        Args:
            content: Its Python.
        """
        self._content = content

    @cached_property
    def upgrade(self) -> Sequence[Call]:
        """The calls of all but the downgrade, in their order."""
        return self._calls(of_downgrade=False)

    @cached_property
    def downgrade(self) -> Sequence[Call]:
        """Those of the downgrade."""
        return self._calls(of_downgrade=True)

    def _calls(self, *, of_downgrade: bool) -> Sequence[Call]:
        module = ast.parse(self._content).body
        part = [each for each in module if _is_downgrade(each) is of_downgrade]
        return tuple(_Reader(module, part).calls())


def read_source(path: Path) -> Source:
    """Read a revision.

    Args:
        path: The file. One that is no Python says nothing.
    """
    return _source(path.read_bytes()) if path.suffix == ".py" else Source()


def read_calls(path: Path, names: Collection[str]) -> Sequence[Call]:
    """Return the calls of a revision's upgrade that are of some functions or classes.

    Args:
        path: The file; it is parsed only if one of the names occurs in it.
        names: The last parts of what is called.
    """
    content = path.read_bytes()
    if not any(name.encode() in content for name in names):
        return ()
    return [each for each in read_source(path).upgrade if each.name in names]


_source = lru_cache(maxsize=512)(Source)


def _is_downgrade(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.FunctionDef) and statement.name == "downgrade"


_LEAVES = (ast.Constant, ast.expr_context)


class _Reader:
    def __init__(self, module: Sequence[ast.stmt], definitions: Sequence[ast.stmt]) -> None:
        nodes = [node for each in definitions for node in _in_order(each)]
        self._called = [node for node in nodes if isinstance(node, ast.Call)]
        # alembic-utils writes: name = PGGrantTable(…), and then op.create_entity(name).
        self._assigned = {
            target.id: each.value
            for each in (*module, *nodes)
            if isinstance(each, ast.Assign)
            for target in each.targets
            if isinstance(target, ast.Name)
        }
        self._used = {
            node.id
            for node in nodes
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
        }

    def calls(self) -> Iterator[Call]:
        assigned = self._assigned.items()
        apart = {id(value) for name, value in assigned if name not in self._used}
        apart |= {id(each) for node in self._called for each in self._taken(node)}
        for node in self._called:
            drops = _name(node.func) == _DROPS
            yield from (self._call(each, drops=drops) for each in self._taken(node))
            if id(node) not in apart:
                yield self._call(node, drops=False)

    def _taken(self, node: ast.Call) -> Iterable[ast.Call]:
        """Return the construction of the entity that an operation is given."""
        if not node.args or _name(node.func) not in _TAKES:
            return []
        (given, *_) = node.args
        entity = self._assigned.get(given.id) if isinstance(given, ast.Name) else given
        return [entity] if isinstance(entity, ast.Call) else []

    def _call(self, node: ast.Call, *, drops: bool) -> Call:
        called = node.func
        if isinstance(called, ast.Attribute) and called.attr == "named":
            called, drops = called.value, True
        texts: list[str] = []
        for argument in node.args:
            value = self._value(argument)
            if not isinstance(value, str):
                break
            texts.append(value)
        given = {
            each.arg: value
            for each in node.keywords
            if each.arg is not None and (value := self._value(each.value)) is not None
        }
        return Call(_name(called), tuple(texts), MappingProxyType(given), drops)

    def _value(self, node: ast.expr) -> Any:  # noqa: ANN401 - any argument
        match node:
            case ast.Attribute(value=ast.Name(id=enum), attr=name) if enum[0].isupper():
                return name  # a privilege of alembic-utils: PGGrantTableChoice.SELECT
            case ast.Name(id=name) if isinstance(self._assigned.get(name), ast.Constant):
                node = self._assigned[name]
            case ast.Call(func=ast.Attribute(attr="f"), args=[text]):  # op.f("ix_notes_title")
                node = text
        if isinstance(node, ast.Constant):
            return node.value
        try:
            return ast.literal_eval(node)
        except ValueError:
            return None


def _in_order(node: ast.AST) -> Iterator[ast.AST]:
    # Without generators within each other, and without the constants that are most of a revision.
    waiting = [node]
    while waiting:
        node = waiting.pop()
        yield node
        children: list[ast.AST] = []
        for value in map(vars(node).get, node._fields):
            if isinstance(value, list):
                children += [each for each in value if isinstance(each, ast.AST)]
            elif isinstance(value, ast.AST) and not isinstance(value, _LEAVES):
                children.append(value)
        waiting += reversed(children)


def _name(function: ast.expr) -> str:
    match function:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""
