"""Exact privileges: what is granted to whom, and nothing else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

from townhall.pg import sql

PUBLIC = "public"
ANONYMOUS = "anon"
AUTHENTICATED = "authenticated"
SERVICE = "service_role"

API_ROLES = (ANONYMOUS, AUTHENTICATED, SERVICE)
"""The roles that requests act as, as Supabase names them: the default of ``api_roles``."""

WITH_GRANT_OPTION = " with grant option"
"""The suffix of a privilege for ``WITH GRANT OPTION``."""

Grants = Mapping[str, tuple[str, ...]]
"""Privileges by role: ``{"authenticated": ("select", "update (name)")}``."""


def grant_statements(target: str, grants: Grants, api_roles: Sequence[str]) -> Iterable[str]:
    """Yield what makes the grants on an object exact for the managed roles.

    Managed are ``public``, the roles in ``api_roles`` and those in ``grants``; any other role keeps
    the privileges it has. All privileges are revoked before some are granted, because the default
    privileges of a database may have granted more.

    Args:
        target: The object as in ``grant … on``: ``table public.events``.
        grants: The privileges of each role.
        api_roles: The roles that are managed even without a grant.
    """
    managed = dict.fromkeys([PUBLIC, *api_roles, *grants])
    yield f"revoke all on {target} from {sql.roles(managed)}"
    for name, privileges in grants.items():
        yield from _grant(target, name, privileges)


def unmanaged(grants: Grants, api_roles: Sequence[str]) -> Grants:
    """Return the grants to roles other than ``public`` and those in ``api_roles``."""
    managed = {PUBLIC, *api_roles}
    return {name: privileges for name, privileges in grants.items() if name not in managed}


def _grant(target: str, name: str, privileges: tuple[str, ...]) -> Iterable[str]:
    plain = [text for text in privileges if not text.endswith(WITH_GRANT_OPTION)]
    passing_on = [
        text.removesuffix(WITH_GRANT_OPTION)
        for text in privileges
        if text.endswith(WITH_GRANT_OPTION)
    ]
    if plain:
        yield f"grant {', '.join(plain)} on {target} to {sql.role(name)}"
    if passing_on:
        yield f"grant {', '.join(passing_on)} on {target} to {sql.role(name)} with grant option"


def read_grants(
    lists: Iterable[Sequence[Mapping[str, Any]] | None], server_version: int
) -> dict[str, tuple[str, ...]]:
    """Return the grants that access control entries amount to, in one fixed order.

    Args:
        lists: Lists of entries, or None for an empty one. An entry has ``grantee``, ``privilege``
            (in capitals, as ``aclexplode`` gives it), ``is_grantable`` and ``column`` (None for
            the whole object).
        server_version: The server's major version, which decides what "all" means.
    """
    whole: dict[str, set[_Privilege]] = defaultdict(set)
    parts: dict[str, dict[_Privilege, list[str]]] = defaultdict(lambda: defaultdict(list))
    for entry in chain.from_iterable(entries or () for entries in lists):
        privilege = _Privilege(entry["privilege"].lower(), entry["is_grantable"])
        if entry["column"] is None:
            whole[entry["grantee"]].add(privilege)
        else:
            parts[entry["grantee"]][privilege].append(sql.quote(entry["column"]))
    return {
        grantee: (*_named(whole[grantee], server_version), *_named_columns(parts[grantee]))
        for grantee in sorted({*whole, *parts})
    }


class _Privilege(NamedTuple):
    name: str
    is_grantable: bool

    def of(self, columns: str = "") -> str:
        return f"{self.name}{columns}{WITH_GRANT_OPTION if self.is_grantable else ''}"


def _named(privileges: set[_Privilege], server_version: int) -> Iterable[str]:
    everything = {*_ON_TABLES, *(("maintain",) if server_version >= _FIRST_WITH_MAINTAIN else ())}
    if privileges == {_Privilege(name, is_grantable=False) for name in everything}:
        return ("all",)
    return (privilege.of() for privilege in sorted(privileges, key=_order))


def _named_columns(privileges: Mapping[_Privilege, list[str]]) -> Iterable[str]:
    for privilege in sorted(privileges, key=_order):
        yield privilege.of(f" ({', '.join(privileges[privilege])})")


def _order(privilege: _Privilege) -> tuple[int, _Privilege]:
    known = privilege.name in _ON_TABLES
    return (_ON_TABLES.index(privilege.name) if known else len(_ON_TABLES), privilege)


_FIRST_WITH_MAINTAIN = 17
_ON_TABLES = ("select", "insert", "update", "delete", "truncate", "references", "trigger")
