"""Default privileges: what is granted on objects that are going to be created."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal, Self

from sqlalchemy import Connection

from townhall.pg import catalog, sql
from townhall.pg.entity import Entity
from townhall.pg.privileges import (
    API_ROLES,
    PUBLIC,
    WITH_GRANT_OPTION,
    Grants,
    grant_to,
    read_grants,
    refused_grantee,
)

Objects = Literal["tables", "sequences", "functions", "types", "schemas"]

_ALLOWED: dict[str, tuple[str, ...]] = {
    "tables": (
        "all",
        "select",
        "insert",
        "update",
        "delete",
        "truncate",
        "references",
        "trigger",
        "maintain",
    ),
    "sequences": ("all", "usage", "select", "update"),
    "functions": ("all", "execute"),
    "types": ("all", "usage"),
    "schemas": ("all", "usage", "create"),
}
_LETTERS = {"tables": "r", "sequences": "S", "functions": "f", "types": "T", "schemas": "n"}
"""The kinds of objects as ``pg_default_acl`` has them."""
_OF_PUBLIC = {"functions": "execute", "types": "usage"}
"""The privileges of public on new objects, where no default privileges say otherwise."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class DefaultPrivileges(Entity):
    """The privileges on objects that a role is going to create.

    Default privileges that are not declared stay as they are: a platform has some of its own.

    Attributes:
        objects: The kind of objects.
        schema: The schema in which they are created.
        everywhere: Whether they apply in all schemas instead of one.
        owner: The role that creates them; None for the one that migrates.
        grants: The privileges of each role.
        api_roles: The roles that get no privilege but those in ``grants``; ``public`` is always
            among them. A role that is neither here nor in ``grants`` keeps what it has.
    """

    kind: ClassVar[str] = "default privileges"
    is_own_object: ClassVar[bool] = False
    name_fields: ClassVar[tuple[str, ...]] = ("schema", "objects", "owner", "everywhere")

    objects: Objects
    everywhere: bool = False
    owner: str | None = None
    grants: Grants = field(default_factory=dict)
    api_roles: tuple[str, ...] = field(default=API_ROLES, compare=False)

    def __post_init__(self) -> None:
        """Refuse an unknown privilege, and objects that are in no schema.

        Raises:
            InputError: A value has another type than its field, or values contradict each other.
        """
        super().__post_init__()
        if self.objects == "schemas" and not self.everywhere:
            self._refuse("a schema is in no other one: add everywhere=True")
        for role, privileges in self.grants.items():
            for text in privileges:
                if why := refused_grantee(role, text):
                    self._refuse(why)
                if text.removesuffix(WITH_GRANT_OPTION) not in _ALLOWED[self.objects]:
                    allowed = ", ".join(_ALLOWED[self.objects])
                    self._refuse(f"{role} has {text!r}; the privileges are {allowed}")

    @property
    def name_parts(self) -> tuple[str, ...]:
        """The schema, the kind of objects and, where it is given, their owner."""
        schema = "every schema" if self.everywhere else self.schema
        return (schema, self.objects, *([self.owner] if self.owner is not None else []))

    @property
    def is_shared(self) -> bool:
        """Always: the platform has default privileges of its own."""
        return True

    def create_statements(self) -> Iterable[str]:
        """Yield the change of the default privileges."""
        managed = dict.fromkeys([PUBLIC, *self.api_roles, *self.grants])
        yield f"{self._alter}\nrevoke all on {self.objects} from {sql.roles(managed)}"
        for role, privileges in self.grants.items():
            for grant in grant_to(self.objects, role, privileges):
                yield f"{self._alter}\n{grant}"

    def drop_statements(self) -> Iterable[str]:
        """Yield what resets the default privileges to PostgreSQL's own, for each role."""
        owner = "current_user" if self.owner is None else sql.literal(self.owner)
        schema = "0" if self.everywhere else f"{sql.literal(self.literal_schema)}::regnamespace"
        revoke = sql.literal(f"{self._alter} revoke all on {self.objects} from ".replace("\n", " "))
        body = f"""
declare
    grantee text;
begin
    for grantee in
        select distinct
            case
                when a.grantee = 0 then 'public'
                else pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee))
            end
        from pg_catalog.pg_default_acl as d, pg_catalog.aclexplode(d.defaclacl) as a
        where pg_catalog.pg_get_userbyid(d.defaclrole) = {owner}
            and d.defaclnamespace = {schema}
            and d.defaclobjtype = '{_LETTERS[self.objects]}'
            and a.grantee <> d.defaclrole
    loop
        execute {revoke}
            || grantee;
    end loop;
end
"""
        yield f"do {sql.dollar_quoted(body)}"
        if self.everywhere and self.objects in _OF_PUBLIC:
            yield f"{self._alter}\ngrant {_OF_PUBLIC[self.objects]} on {self.objects} to public"

    @property
    def _alter(self) -> str:
        owner = "" if self.owner is None else f" for role {sql.quote(self.owner)}"
        schema = "" if self.everywhere else f" in schema {self.literal_schema}"
        return f"alter default privileges{owner}{schema}"

    @classmethod
    def read(cls, connection: Connection, schemas: Sequence[str]) -> Sequence[Self]:
        """Return the default privileges in ``schemas``, and those that apply in all schemas."""
        version = catalog.server_version(connection)
        return [
            cls.found(
                schema=row["schema"] or "public",
                everywhere=row["schema"] is None,
                objects=row["objects"],
                owner=row["owner"],
                grants=read_grants([row["entries"]], version),
            )
            for row in catalog.rows(connection, _QUERY, schemas)
        ]


_QUERY = f"""
    select
        n.nspname as schema,
        case d.defaclobjtype
            when 'r' then 'tables' when 'S' then 'sequences' when 'f' then 'functions'
            when 'T' then 'types' else 'schemas'
        end as objects,
        nullif(pg_catalog.pg_get_userbyid(d.defaclrole), current_user) as owner,
        {catalog.entries("d.defaclacl", "d.defaclrole", "r")} as entries
    from pg_catalog.pg_default_acl as d
    left join pg_catalog.pg_namespace as n on n.oid = d.defaclnamespace
    where d.defaclobjtype in ('r', 'S', 'f', 'T', 'n')
        and (n.nspname is null or n.nspname = any (%(schemas)s))
"""
