"""Privileges: as entities declare them, as SQL, and as access control lists hold them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import chain
from typing import Any, NamedTuple

from townhall.pg import sql
from townhall.roles import LONGEST_NAME, SUPABASE

PUBLIC = "public"
"""The word that stands for every role in grants and policies."""

API_ROLES = SUPABASE.names
"""The roles that requests act as, as Supabase names them: the default of ``api_roles``."""

ANONYMOUS, AUTHENTICATED, SERVICE = API_ROLES
"""The role of a request without a token, of a signed-in user, and of the service."""

WITH_GRANT_OPTION = " with grant option"
"""The suffix of a privilege for ``WITH GRANT OPTION``."""

Grants = Mapping[str, tuple[str, ...]]
"""Privileges by role: ``{"authenticated": ("select", "update (name)")}``."""


def grant_statements(
    target: str, grants: Grants, api_roles: Sequence[str], owner: str | None = None
) -> Iterable[str]:
    """Yield what makes the grants on an object exact for the managed roles.

    Managed are ``public``, the roles in ``api_roles`` and those in ``grants``; any other role keeps
    the privileges it has. All privileges are revoked before some are granted, because the default
    privileges of a database may have granted more.

    From a role that is to have a grant option all is revoked with ``cascade``, which also revokes
    what it has granted to others. What these are to keep must be in ``grants``.

    Args:
        target: The object as in ``grant … on``: ``table public.events``.
        grants: The privileges of each role.
        api_roles: The roles that are managed even without a grant.
        owner: The owner where it is known, whose privileges are not managed: it has all of them,
            or those that it has left itself.
    """
    managed = dict.fromkeys([PUBLIC, *api_roles, *grants])
    managed.pop(owner or "", None)
    yield from revoke_all(target, {role: grants.get(role, ()) for role in managed})
    for name, privileges in grants.items():
        if name in managed:
            yield from grant_to(target, name, privileges)


def revoke_all(target: str, grants: Grants) -> Iterable[str]:
    """Yield what revokes all from roles before they get the privileges that they are to have.

    Args:
        target: The object as in ``revoke … on``: ``table public.events``.
        grants: The privileges that each role is to have.
    """
    passing_on = [
        role
        for role, privileges in grants.items()
        if any(text.endswith(WITH_GRANT_OPTION) for text in privileges)
    ]
    others = [role for role in grants if role not in passing_on]
    if others:
        yield f"revoke all on {target} from {sql.roles(others)}"
    if passing_on:
        yield f"revoke all on {target} from {sql.roles(passing_on)} cascade"


def refused_grants(grants: Grants) -> str | None:
    """Return what is wrong with grants on a table or a view, and what to do, or None."""
    for role, privileges in grants.items():
        for text in privileges:
            if why := refused_grantee(role, text):
                return why
            match = _PRIVILEGE.fullmatch(text)
            if match is None:
                return (
                    f"{role} has {text!r}, which is no single privilege: write it as in 'select',"
                    " 'update (name, size)' or 'select with grant option'"
                )
            name, columns = match["name"], match["columns"]
            if name == "all" and text.endswith(WITH_GRANT_OPTION):
                return f"{role} has {text!r}: name the privileges instead, {_each_grantable()}"
            allowed = _ON_COLUMNS if columns else ("all", *_all_on_table(_FIRST_WITH_MAINTAIN))
            if name not in allowed:
                on = "columns" if columns else "the whole of it"
                return f"{role} has {text!r}; the privileges on {on} are {', '.join(allowed)}"
    return None


def refused_grantee(role: str, privilege: str) -> str | None:
    """Return why a role can't have a privilege, and what to do, or None.

    Args:
        role: The name of the role.
        privilege: The privilege as in :data:`Grants`.
    """
    if not sql.is_name(role):
        return f"{role!r} is no name of a role: give one of 1 to {LONGEST_NAME} bytes"
    if role == PUBLIC and privilege.endswith(WITH_GRANT_OPTION):
        return "public can't have a grant option: leave it out, or name a role"
    return None


def split_grantee(text: str) -> tuple[str, str]:
    """Return the role in ``"authenticated with grant option"``, and the suffix where it has one."""
    role = text.removesuffix(WITH_GRANT_OPTION)
    return role, text[len(role) :]


def grantee_of(entry: Mapping[str, Any]) -> str:
    """Return the role of an entry of an access control list, as :func:`split_grantee` takes it.

    Args:
        entry: The entry, with its ``grantee`` and whether it ``is_grantable``.
    """
    return f"{entry['grantee']}{WITH_GRANT_OPTION if entry['is_grantable'] else ''}"


def refused_grantees(grantees: Iterable[str]) -> str | None:
    """Return what is wrong with the roles that have a privilege, and what to do, or None.

    Args:
        grantees: The roles, as :func:`split_grantee` takes them.
    """
    return next(filter(None, (refused_grantee(*split_grantee(text)) for text in grantees)), None)


def unmanaged(grants: Grants, api_roles: Sequence[str]) -> Grants:
    """Return the grants to roles other than ``public`` and those in ``api_roles``."""
    managed = {PUBLIC, *api_roles}
    return {name: privileges for name, privileges in grants.items() if name not in managed}


class Privilege(NamedTuple):
    """One privilege on an object, or on a column of it.

    Attributes:
        name: The privilege: ``select``.
        column: The column as an identifier; None for the whole object.
        is_grantable: Whether its holder may grant it to others (``WITH GRANT OPTION``).
    """

    name: str
    column: str | None = None
    is_grantable: bool = False

    @property
    def without_grant_option(self) -> Privilege:
        """The privilege itself."""
        return self._replace(is_grantable=False)

    @property
    def with_grant_option(self) -> Privilege:
        """The privilege and the right to grant it."""
        return self._replace(is_grantable=True)


def privileges_of(grants: Iterable[str], server_version: int) -> frozenset[Privilege]:
    """Return the privileges of a role one by one.

    Args:
        grants: The privileges as in :data:`Grants`: ``("select", "update (name)")``; ``all`` means
            those on a table.
        server_version: The server's major version, which decides what ``all`` means.
    """
    return frozenset(
        privilege
        for text in grants
        for privilege in (
            map(Privilege, _all_on_table(server_version)) if text == "all" else _parsed(text)
        )
    )


def _parsed(text: str) -> Iterable[Privilege]:
    is_grantable = text.endswith(WITH_GRANT_OPTION)
    name, _, columns = text.removesuffix(WITH_GRANT_OPTION).partition(" (")
    for column in _IDENTIFIERS.findall(columns.removesuffix(")")) or [None]:
        yield Privilege(name, column, is_grantable)


def texts_of(privileges: Iterable[Privilege]) -> tuple[str, ...]:
    """Return privileges as in :data:`Grants`, the columns of a privilege together.

    Args:
        privileges: The privileges of a role; the columns keep their order.
    """
    columns: dict[tuple[bool, Privilege], list[str]] = defaultdict(list)
    for each in privileges:
        group = Privilege(each.name, None, each.is_grantable)
        columns[each.column is not None, group] += [each.column] if each.column else []
    return tuple(
        privilege.name
        + (f" ({', '.join(named)})" if named else "")
        + (WITH_GRANT_OPTION if privilege.is_grantable else "")
        for (_, privilege), named in sorted(columns.items(), key=_order)
    )


def grant_to(target: str, role: str, privileges: Iterable[str]) -> Iterable[str]:
    """Yield what grants privileges to a role.

    Args:
        target: The object as in ``grant … on``: ``table public.events``.
        role: The name of the role.
        privileges: The privileges as in :data:`Grants`.
    """
    every = list(privileges)
    grantable = [
        text.removesuffix(WITH_GRANT_OPTION) for text in every if text.endswith(WITH_GRANT_OPTION)
    ]
    plain = [text for text in every if not text.endswith(WITH_GRANT_OPTION)]
    if "all" in plain:
        # No other privilege can stand beside it, not even one on columns.
        yield f"grant all on {target} to {sql.role(role)}"
        plain = [text for text in plain if text != "all"]
    if plain:
        yield f"grant {', '.join(plain)} on {target} to {sql.role(role)}"
    if grantable:
        yield f"grant {', '.join(grantable)} on {target} to {sql.role(role)} with grant option"


def revoke_from(
    target: str, role: str, privileges: Iterable[str], *, grant_option_only: bool = False
) -> str:
    """Return what revokes privileges from a role.

    Args:
        target: The object as in ``revoke … on``: ``table public.events``.
        role: The name of the role.
        privileges: The privileges as in :data:`Grants`.
        grant_option_only: Whether the role keeps the privileges themselves.
    """
    names = ", ".join(text.removesuffix(WITH_GRANT_OPTION) for text in privileges)
    only = "grant option for " if grant_option_only else ""
    return f"revoke {only}{names} on {target} from {sql.role(role)}"


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
    privileges: dict[str, list[Privilege]] = defaultdict(list)
    for entry in chain.from_iterable(entries or () for entries in lists):
        column = None if entry["column"] is None else sql.quote(entry["column"])
        privileges[entry["grantee"]].append(
            Privilege(entry["privilege"].lower(), column, entry["is_grantable"])
        )
    return {
        grantee: _with_all(privileges[grantee], server_version) for grantee in sorted(privileges)
    }


def _with_all(privileges: Sequence[Privilege], server_version: int) -> tuple[str, ...]:
    on_table = {each for each in privileges if each.column is None}
    if on_table != _set_of_all_on_table(server_version):
        return texts_of(privileges)
    return ("all", *texts_of(each for each in privileges if each.column is not None))


def _all_on_table(server_version: int) -> tuple[str, ...]:
    return (*_ON_TABLES, *(("maintain",) if server_version >= _FIRST_WITH_MAINTAIN else ()))


@cache
def _set_of_all_on_table(server_version: int) -> frozenset[Privilege]:
    return frozenset(map(Privilege, _all_on_table(server_version)))


def _each_grantable() -> str:
    return ", ".join(f"'{name}{WITH_GRANT_OPTION}'" for name in _ON_TABLES)


def _order(group: tuple[tuple[bool, Privilege], object]) -> tuple[bool, int, str, bool]:
    of_columns, privilege = group[0]
    known = privilege.name in _ON_TABLES
    position = _ON_TABLES.index(privilege.name) if known else len(_ON_TABLES)
    return (of_columns, position, privilege.name, privilege.is_grantable)


_FIRST_WITH_MAINTAIN = 17
_ON_TABLES = ("select", "insert", "update", "delete", "truncate", "references", "trigger")
_ON_COLUMNS = ("select", "insert", "update", "references")
_COLUMN = r'(?:"(?:[^"\0]|"")+"|[a-zA-Z_][\w$]*)'
_PRIVILEGE = re.compile(
    rf"(?P<name>[^ (),]+)(?: \((?P<columns>{_COLUMN}(?:, ?{_COLUMN})*)\))?(?:{WITH_GRANT_OPTION})?"
)
_IDENTIFIERS = re.compile(sql.IDENTIFIER)
