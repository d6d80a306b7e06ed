"""Composite types."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Self

from sqlalchemy import Connection

from townhall.pg import catalog, sql
from townhall.pg.alterable import HELD, Previous
from townhall.pg.data_type import SHARED_COLUMNS, DataType, shared_values, types_of_kind
from townhall.pg.entity import comment_statement


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class CompositeType(DataType):
    """A type whose values have named attributes, without a table.

    Attributes:
        attributes: The types of the attributes as SQL, by name and in their order:
            ``{"street": "text", "number": "integer"}``. A collation follows its type:
            ``text collate "C"``.
        attribute_comments: What attributes mean, by attribute.
    """

    kind: ClassVar[str] = "composite type"
    letter: ClassVar[str] = "c"

    attributes: Mapping[str, str]
    attribute_comments: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a comment on an attribute that is not there.

        Raises:
            InputError: A value has another type than its field, or an attribute is missing.
        """
        super().__post_init__()
        if unknown := sorted({*self.attribute_comments} - {*self.attributes}):
            self._refuse(f"attribute_comments has {unknown[0]!r}, which is no attribute")

    def create_statements(self) -> Iterable[str]:
        """Yield the type, its privileges and its comments."""
        yield from super().create_statements()
        yield from self._comments(self.attribute_comments)

    def _comments(self, names: Iterable[str]) -> Iterable[str]:
        for name in names:
            target, comment = self._attribute(name), self.attribute_comments.get(name)
            yield comment_statement("column", target, comment)

    def _attribute(self, name: str) -> str:
        return f"{self.literal_name}.{sql.quote(name)}"

    def _definition(self) -> str:
        attributes = ", ".join(map(self._declaration, self.attributes))
        return f"create type {self.literal_name} as ({attributes})"

    def _declaration(self, name: str) -> str:
        return f"{sql.quote(name)} {self.attributes[name]}"

    def can_alter(self, previous: Previous) -> bool:
        """Tell whether the attributes that stay keep their order, before the new ones."""
        kept = [name for name in previous.attributes if name in self.attributes]
        return list(self.attributes)[: len(kept)] == kept

    def comes_back(self, previous: Previous) -> bool:
        """Tell whether no attribute is dropped from before another one, as it comes back last."""
        return bool(previous.can_alter(self))

    def why_not_altered(self, previous: Previous) -> str:
        """Return why the attributes can't be moved."""
        del previous
        return f"PostgreSQL can't move attributes of {HELD}"

    def _changes(self, previous: Previous) -> Iterable[str]:
        alter = f"alter type {self.literal_name}"
        for name in previous.attributes:
            if name not in self.attributes:
                yield f"{alter} drop attribute if exists {sql.quote(name)}"
        for name, type_ in self.attributes.items():
            if name not in previous.attributes:
                yield self._addition(name)
            elif previous.attributes[name] != type_:
                yield f"{alter} alter attribute {sql.quote(name)} type {type_}"
        before, after = previous.attribute_comments, self.attribute_comments
        yield from self._comments(
            name for name in self.attributes if before.get(name) != after.get(name)
        )

    def _addition(self, name: str) -> str:
        body = (
            "\nbegin\n    if not exists (\n        select from pg_catalog.pg_attribute\n"
            f"        where attrelid = {sql.literal(self.literal_name)}::regclass\n"
            f"            and attname = {sql.literal(name)} and not attisdropped\n    ) then\n"
            f"        alter type {self.literal_name} add attribute {self._declaration(name)};\n"
            "    end if;\nend\n"
        )
        return f"do {sql.dollar_quoted(body)}"

    @classmethod
    def read(cls, connection: Connection, schemas: Sequence[str]) -> Sequence[Self]:
        """Return the composite types in ``schemas``, without the row types of tables."""
        return [
            cls.found(
                **shared_values(row),
                attributes=dict(row["attributes"] or ()),
                attribute_comments=row["attribute_comments"] or {},
            )
            for row in catalog.rows(connection, _QUERY, schemas)
        ]


_QUERY = f"""
    select
        {SHARED_COLUMNS},
        (
            select jsonb_agg(jsonb_build_array(
                a.attname,
                concat_ws(
                    ' collate ',
                    pg_catalog.format_type(a.atttypid, a.atttypmod),
                    nullif(a.attcollation, b.typcollation)::regcollation::text
                )
            ) order by a.attnum)
            from pg_catalog.pg_attribute as a
            join pg_catalog.pg_type as b on b.oid = a.atttypid
            where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped
        ) as attributes,
        (
            select jsonb_object_agg(a.attname, d.description)
            from pg_catalog.pg_description as d
            join pg_catalog.pg_attribute as a on a.attrelid = d.objoid and a.attnum = d.objsubid
            where d.classoid = 'pg_catalog.pg_class'::regclass
                and d.objoid = t.typrelid and d.objsubid > 0
        ) as attribute_comments
    {types_of_kind("c")}
        and exists (
            select
            from pg_catalog.pg_class as c
            where c.oid = t.typrelid and c.relkind = 'c'
        )
"""
