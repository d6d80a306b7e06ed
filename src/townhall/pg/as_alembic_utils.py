"""Objects of a database as entities of alembic-utils, where those can say everything of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from townhall.pg import sql
from townhall.pg.adapted import (
    Adapted,
    AdaptedFunction,
    AdaptedMaterializedView,
    AdaptedPolicy,
    AdaptedTrigger,
    AdaptedView,
)
from townhall.pg.alembic_utils import (
    PGFunction,
    PGMaterializedView,
    PGPolicy,
    PGTrigger,
    PGView,
    ReplaceableEntity,
)
from townhall.pg.entity import Entity
from townhall.pg.fields import default
from townhall.pg.function import Function
from townhall.pg.owned import OwnedEntity
from townhall.pg.policy import Policy
from townhall.pg.trigger import Trigger
from townhall.pg.view import MaterializedView, View


def expressed(found: Entity) -> Adapted | None:
    """Return an entity of alembic-utils that creates an object just as it is, or None.

    Args:
        found: The object as the catalogs have it.
    """
    adapter, express = _KINDS.get(type(found), (None, None))
    if adapter is None or express is None or _says_more(found, adapter):
        return None
    target = express(found)
    return None if target is None else adapter(schema=found.schema, target=target)


def _says_more(found: Entity, adapter: type[Adapted]) -> bool:
    known = {*adapter.stated, *found.name_fields}
    has_other_owner = isinstance(found, OwnedEntity) and found.owner is not None
    return has_other_owner or any(
        getattr(found, field.name) != _UNSAID.get((type(found), field.name), default(field))
        for field in fields(found)
        if field.compare and field.name not in known
    )


_UNSAID: Mapping[tuple[type[Entity], str], Any] = {
    (Function, "execute"): ("public",),
    (View, "security_invoker"): False,
}
"""What an object has of which nothing was said, where that is not this package's default."""


def _function(found: Any) -> ReplaceableEntity | None:  # noqa: ANN401 - of the class in _KINDS
    arguments = " ".join([*found.arguments, *found.arguments.values()])
    # It drops the quotes of their names, takes a comma in a default for their separator, and a
    # backslash before a colon in a body of PL/pgSQL for an escape.
    is_changed = {'"', ","} & {*arguments} or _ESCAPED in found.body + arguments
    return None if is_changed else _parsed(PGFunction, found)


def _view(found: Any) -> ReplaceableEntity | None:  # noqa: ANN401 - of the class in _KINDS
    kind = PGView if isinstance(found, View) else PGMaterializedView
    if _ESCAPED in found.definition:
        return None
    state = {} if isinstance(found, View) else {"with_data": found.populated}
    return kind(found.schema, found.name, found.definition, **state)


def _policy(found: Any) -> ReplaceableEntity | None:  # noqa: ANN401 - of the class in _KINDS
    return _parsed(PGPolicy, found) if all(map(_is_plain, found.name_parts)) else None


def _trigger(found: Any) -> ReplaceableEntity | None:  # noqa: ANN401 - of the class in _KINDS
    return _parsed(PGTrigger, found) if all(map(_is_plain, found.name_parts[:2])) else None


def _parsed(kind: Any, found: Entity) -> ReplaceableEntity:  # noqa: ANN401 - a class of alembic-utils
    statements = found.create_statements()
    definition = next(each for each in statements if each.startswith("create "))
    entity: ReplaceableEntity = kind.from_sql(definition.replace("create or replace", "create", 1))
    return entity


def _is_plain(name: str) -> bool:
    # alembic-utils drops the quotes of most names.
    return sql.quote(name) == name


_ESCAPED = r"\:"
"""What alembic-utils executes as a colon."""

_Express = Callable[[Any], ReplaceableEntity | None]
_KINDS: Mapping[type[Entity], tuple[type[Adapted], _Express]] = {
    Function: (AdaptedFunction, _function),
    MaterializedView: (AdaptedMaterializedView, _view),
    Policy: (AdaptedPolicy, _policy),
    Trigger: (AdaptedTrigger, _trigger),
    View: (AdaptedView, _view),
}
