"""Everything that can use a value of an enum, declared as the source of an ``env.py``."""

from __future__ import annotations

_DECLARATIONS = """
from townhall import pg

mood = Enum(*values, name="Mood", schema="Shop")
tone = Enum(*others, name="tone")
value = pg.sql.literal(values[-1]) + '::"Shop"."Mood"'
is_it = f"mood = {value}"
rated = postgresql.DOMAIN("Rated", mood, check=text(f"value <> {value}"))
Table(
    "Things", metadata,
    Column("id", Integer, primary_key=True),
    Column("mood", mood, server_default=values[-1], index=True),
    Column("tone", tone, ForeignKey("tones.tone"), server_default=others[-1], nullable=False),
    Column("moods", postgresql.ARRAY(mood), server_default=text(f"array[{value}]")),
    Column("rated", rated),
    Column("is_it", Boolean, Computed(is_it, persisted=True)),
    *([Column("added", mood, server_default=values[-1], nullable=False)] if more else ()),
    CheckConstraint(f"mood <> {value} or id > 0", name="It's checked"),
    UniqueConstraint("mood", "id", name="Key of mood"),
    Index("Partial", "id", postgresql_where=text(is_it)),
    Index("Of an expression", text(f"({is_it})")),
    comment="With moods.",
)
Table("tones", metadata, Column("tone", tone, primary_key=True))
entities = [
    pg.CompositeType(schema="Shop", name="Pair", attributes={"one": '"Shop"."Mood"'}),
    pg.Function(
        schema="public", name="is it", arguments={"given": '"Shop"."Mood"'}, returns="boolean",
        body=f"begin atomic select given = {value}; end",
    ),
    pg.Function(
        schema="public", name="text of it", returns="bigint",
        body=f'select count(*) from public."Things" where {is_it}',
    ),
    pg.Function(
        schema="public", name="stamp", language="plpgsql", body="begin return new; end",
    ),
    pg.Policy(
        schema="public", table="Things", name="Seen", command="select", roles=("public",),
        using=is_it,
    ),
    pg.Trigger(
        schema="public", table="Things", name="When", timing="before", events=("update",),
        columns=("mood",), condition=f"new.{is_it}", function="public.stamp",
    ),
    pg.View(
        schema="public", name="Seen things", security_invoker=False, check_option="local",
        definition=f'select id, mood from public."Things" where {is_it}',
        comment="Seen.", column_comments={"mood": "A mood."},
    ),
    pg.MaterializedView(
        schema="public", name="Snapshot",
        definition=f'select id, mood from public."Things" where {is_it}',
        indexes={"Of snapshot": "using btree (mood)"},
    ),
    pg.View(
        schema="public", name="Above", security_invoker=False,
        definition='select mood from public."Seen things" where public."is it"(mood)',
    ),
]
"""

UNDECLARABLE = (
    """
    create function public.mood_of(given integer) returns "Shop"."Mood"
    language sql immutable return 'a'::"Shop"."Mood"
    """,
    'create cast (integer as "Shop"."Mood") with function public.mood_of(integer) as assignment',
    """comment on cast (integer as "Shop"."Mood") is 'It''s 50 %.'""",
    'create cast ("Shop"."Mood" as text) with inout',
    """
    create function public.is_mood(one "Shop"."Mood", other text) returns boolean
    language sql immutable return one::text operator(pg_catalog.=) other
    """,
    """
    create function public.is_no_mood(one "Shop"."Mood", other text) returns boolean
    language sql immutable return one::text operator(pg_catalog.<>) other
    """,
    """
    create operator public.<<>> (
        function = public.is_no_mood, leftarg = "Shop"."Mood", rightarg = text,
        negator = operator(public.====)
    )
    """,
    """
    create operator public.==== (
        function = public.is_mood, leftarg = "Shop"."Mood", rightarg = text,
        negator = operator(public.<<>>), restrict = pg_catalog.eqsel, hashes
    )
    """,
    """
    create operator class public."Of moods" for type "Shop"."Mood" using hash as
        operator 1 = (anyenum, anyenum),
        function 1 ("Shop"."Mood", "Shop"."Mood") hashenum(anyenum)
    """,
    "comment on operator class public.\"Of moods\" using hash is 'Equal ones.'",
    'create operator family public."Of more" using hash',
    """
    alter operator family public."Of more" using hash add
        operator 1 public.==== ("Shop"."Mood", text),
        function 1 ("Shop"."Mood", "Shop"."Mood") hashenum(anyenum)
    """,
    """
    create operator public.!! (function = public.mood_of, rightarg = integer)
    """,
    """
    create function public.later(one "Shop"."Mood", other "Shop"."Mood") returns "Shop"."Mood"
    language sql immutable return greatest(one, other)
    """,
    """
    create aggregate public."Last of all"(given "Shop"."Mood") (
        sfunc = public.later, stype = "Shop"."Mood", initcond = 'a', combinefunc = public.later,
        parallel = safe
    )
    """,
    """
    comment on aggregate public."Last of all"("Shop"."Mood") is 'The last.'
    """,
    'revoke all on function public."Last of all"("Shop"."Mood") from public',
)
"""What uses an enum and can't be declared, as statements."""

OPTIONS = ', entities=entities, schemas=["Shop"]'


def uses(values: tuple[str, ...], others: tuple[str, ...], *, more: bool) -> str:
    """Return tables and entities that use the last value of an enum in every way there is.

    Args:
        values: The values of the enum, of which the last one is used.
        others: The values of another enum, of which the last one is used.
        more: Whether there is one more column.
    """
    given = f"values, others, more = {values!r}, {others!r}, {more}\n"
    return given + _DECLARATIONS
