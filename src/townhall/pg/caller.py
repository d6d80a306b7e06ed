"""The function that gives the calling user's id, where the engine declares it itself.

On Supabase, and with townhall's own product, that is ``auth.uid()``. An application on plain
PostgreSQL names a function of its schema of helpers instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from townhall.pg import sql
from townhall.pg.entity import Entity
from townhall.pg.function import SAFE_SEARCH_PATH, Function
from townhall.pg.schema_access import SchemaAccess
from townhall.roles import CALLER_TYPES, Roles

_IDENTIFIER = r'"(?:[^"]|"")+"|[a-z_][a-z0-9_$]*'
_CALL = re.compile(rf"({_IDENTIFIER})\.({_IDENTIFIER})\(\)")


def caller_entities(
    roles: Roles, helper_schema: str, declared: Iterable[Entity]
) -> list[Function | SchemaAccess]:
    """Return the function that gives the caller's id, and the access of its schema.

    Args:
        roles: The roles, whose ``caller`` names the function: ``private.current_user_id()``.
        helper_schema: The schema of the application's helper functions.
        declared: What the application declares. An entity that is in it is not returned.

    Returns:
        Nothing where ``roles.caller`` is no function of the schema of helpers: that function is
        not ours to declare.
    """
    call = _CALL.fullmatch(roles.caller)
    if call is None or sql.unquote(call[1]) != helper_schema:
        return []
    function = Function(
        schema=helper_schema,
        name=sql.unquote(call[2]),
        returns=CALLER_TYPES[roles.caller_type],
        volatility="stable",
        parallel="safe",
        settings={"search_path": SAFE_SEARCH_PATH},
        body=_BODY.format(type=CALLER_TYPES[roles.caller_type]),
        execute=roles.names,
        api_roles=roles.names,
        comment="The id of the calling user, from the request's claims; NULL where there is none.",
    )
    access = SchemaAccess(schema=helper_schema, usage=roles.names, api_roles=roles.names)
    keys = {entity.key for entity in declared}
    if function.key in keys:
        return []
    return [function, *([access] if access.key not in keys else [])]


_BODY = """
    select nullif(
        nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub', ''
    )::{type}
"""
