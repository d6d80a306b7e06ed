"""What a comparison asks of the fields of each kind of entity, computed once for a class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, fields
from types import NoneType
from typing import Any

from townhall.pg.values import cached_by_class, field_type, may_be_mapping

_PLAIN = (str, tuple, int, float, NoneType)

_NEEDED = ("kind", "name_fields", "name_parts", "create_statements", "drop_statements", "read")


def default(field: Field[Any]) -> Any:  # noqa: ANN401 - any field's value
    """Return the default of a field, or ``dataclasses.MISSING``."""
    return field.default if field.default_factory is MISSING else field.default_factory()


def comparable(value: Any) -> Any:  # noqa: ANN401 - any field's value
    """Return ``value`` with mappings as tuples of pairs, in which the order counts."""
    # Whether something is a mapping that is no dictionary takes longer to find out.
    if isinstance(value, dict) or (not isinstance(value, _PLAIN) and isinstance(value, Mapping)):
        return tuple([(key, comparable(item)) for key, item in value.items()])
    return value


@cached_by_class
def fields_of(entity_class: type[Any]) -> tuple[Field[Any], ...]:
    """Return the fields of a class, which ``dataclasses.fields`` finds anew at each call."""
    return fields(entity_class)


@cached_by_class
def undefined(entity_class: type[Any]) -> tuple[str, ...]:
    """Return the members that a class of entities has to have and lacks."""
    return tuple(name for name in _NEEDED if _is_abstract(getattr(entity_class, name, None)))


def _is_abstract(member: object) -> bool:
    return member is None or getattr(member, "__isabstractmethod__", False)


@cached_by_class
def compared_fields(entity_class: type[Any]) -> tuple[Sequence[str], Sequence[str]]:
    """Return the names of the compared fields that hold no mapping, and of those that may."""
    names = [field.name for field in fields(entity_class) if field.compare]
    mappings = [name for name in names if may_be_mapping(field_type(entity_class, name))]
    return [name for name in names if name not in mappings], mappings


@cached_by_class
def defaults_of(entity_class: type[Any]) -> Mapping[str, Any]:
    """Return the defaults of the fields that have one."""
    # Every object may have the same empty mapping: none is ever changed.
    values = {field.name: default(field) for field in fields(entity_class)}
    return {name: value for name, value in values.items() if value is not MISSING}


@cached_by_class
def default_api_roles(entity_class: type[Any]) -> tuple[str, ...] | None:
    """Return the roles whose privileges are exact by default; None for a kind without them."""
    roles: tuple[str, ...] | None = defaults_of(entity_class).get("api_roles")
    return roles
