"""Types and options that SQLAlchemy declares, as the source of small applications."""

from __future__ import annotations

from collections.abc import Mapping

HEAD = """
import decimal, enum
from typing import Annotated, Optional
from sqlalchemy import types
from sqlalchemy.dialects.postgresql import *
from sqlalchemy.orm import *

class Mood(enum.Enum):
    good = "good"
    bad = "bad"

class OfText(types.TypeDecorator):
    impl, cache_ok = types.Text, True

class OfEnum(types.TypeDecorator):
    impl, cache_ok = Enum("a", "b", name="of_enum"), True

class OfArray(types.TypeDecorator):
    impl, cache_ok = ARRAY(Integer), True

class OfDocument(types.TypeDecorator):
    impl, cache_ok = types.JSON, True
    def load_dialect_impl(self, dialect):
        return dialect.type_descriptor(JSONB())

class Base(DeclarativeBase):
    metadata = metadata

BY_DAY = {"postgresql_partition_by": "range (d)"}
"""

TYPES: Mapping[str, str] = {
    'Enum(Mood, name="mood")': "Text",
    "Enum(Mood)": "Text",
    'postgresql.ENUM("a", "b", name="mood", create_type=False)': "Text",
    'postgresql.ENUM("a", "b", name="mood", metadata=metadata)': "Text",
    'Enum("a", "b", name="mood", metadata=metadata)': "Text",
    'Enum("a", "b", name="mood", native_enum=False)': "Text",
    'Enum("a", "b", name="mood", native_enum=False, create_constraint=True)': "Text",
    'Enum("a", "b", name="mood", native_enum=False, length=40)': "Text",
    'Enum("a", "b", name="mood", create_constraint=True)': "Text",
    'Boolean(create_constraint=True, name="yes")': "Integer",
    "OfText()": "String(20)",
    "OfEnum()": "Text",
    "OfArray()": "ARRAY(BigInteger)",
    "OfDocument()": "types.JSON",
    'types.JSON().with_variant(JSONB(), "postgresql")': "types.JSON",
    "JSONB(none_as_null=True), server_default=text(\"'{}'\")": "types.JSON",
    'Integer, Computed("id * 2")': "",
    'Integer, Computed("id * 2", persisted=True)': "",
    "Text, Computed(\"'a:b' || id::text\", persisted=True)": "",
    "Integer, Identity()": "Integer, nullable=False",
    "BigInteger, Identity(always=True, start=5, increment=3, minvalue=2, maxvalue=99, cache=4,"
    " cycle=True)": "BigInteger, nullable=False",
    "SmallInteger, Identity(nominvalue=True, nomaxvalue=True)": "Integer, nullable=False",
    "Integer, Identity(start=-1, increment=-1)": "",
    'ARRAY(Enum("a", "b", name="mood"))': "ARRAY(Text)",
    "ARRAY(Integer, dimensions=2)": "ARRAY(BigInteger)",
    "ARRAY(Text), server_default=text(\"'{}'\")": "ARRAY(String(10))",
    "ARRAY(Text), server_default=text(\"array['a']::text[]\")": "ARRAY(String(10))",
    "ARRAY(String(5))": "ARRAY(Text)",
    "ARRAY(Numeric(10, 2))": "ARRAY(Numeric(5, 1))",
    'INT4RANGE, server_default="[1,2)"': "",
    "TSTZRANGE": "",
    "NUMMULTIRANGE": "",
    'DATEMULTIRANGE, server_default="{}"': "",
    'postgresql.DOMAIN("d", Integer, check=text("value > 0"))': "Integer",
    'postgresql.DOMAIN("d", Text, collation="C", default="x", constraint_name="filled",'
    " check=text(\"value <> ''\"))": "Text",
    'postgresql.DOMAIN("d", Text, default="x", not_null=True)': "",
    'postgresql.DOMAIN("d", Enum("a", "b", name="mood"))': "Text",
    'ARRAY(postgresql.DOMAIN("d", Integer, check=text("value > 0")))': "ARRAY(Integer)",
    'postgresql.INTERVAL(fields="day to second", precision=3)': "Interval",
    'postgresql.INTERVAL(fields="YEAR TO MONTH")': "Interval",
    "postgresql.INTERVAL(precision=2)": "postgresql.INTERVAL(precision=4)",
    "Interval(second_precision=3)": "Interval",
    "postgresql.TIMESTAMP(precision=3, timezone=True)": "TIMESTAMP",
    "postgresql.TIMESTAMP(precision=0)": "DateTime(timezone=True)",
    "postgresql.TIME(precision=2, timezone=True)": "Time",
    "postgresql.BIT(5, varying=True)": "postgresql.BIT(5)",
    "postgresql.BIT(3)": "postgresql.BIT(3, varying=True)",
    "postgresql.BIT(varying=True), server_default=text(\"B'01'\")": "postgresql.BIT(5)",
    "TSVECTOR, Computed(\"to_tsvector('english', 'a' || id::text)\", persisted=True)": "",
    "TSQUERY": "",
    "Numeric(12, 4)": "Numeric(10, 2)",
    "Numeric(12)": "Numeric",
    "Numeric(5, -2)": "Numeric(5, 2)",
    'Numeric(10, 2), server_default="1.50"': 'Integer, server_default="1"',
    "Float(24)": "Float(53)",
    "Double()": "REAL",
    'String(20, collation="C")': "String(20)",
    'Text(collation="POSIX")': 'String(20, collation="C")',
    "CHAR(3)": "String(3)",
    'CHAR, server_default="x"': 'CHAR(5), server_default="yy"',
    "LargeBinary, server_default=text(r\"'\\x00'\")": "",
    'Uuid, server_default=text("gen_random_uuid()")': "",
    "Uuid(native_uuid=False)": "Text",
    'Text, comment="It\'s 50% %(a)s :x {y}"': 'Text, comment="other"',
    "CIDR": "INET",
    "MACADDR8": "MACADDR",
    "MONEY": "Numeric",
    "OID": "BigInteger",
    "PickleType": "",
    "DateTime(timezone=True), server_default=func.now(), onupdate=func.now()": "Date",
    'Integer, Sequence("numbers", metadata=metadata)': "BigInteger",
    "Integer, server_default=FetchedValue()": "BigInteger",
    "Text, unique=True, index=True": "Text",
    'Text, nullable=False, server_default=""': "Text",
    'Integer, ForeignKey("added.id", ondelete="SET NULL", deferrable=True, initially="DEFERRED",'
    ' comment="c")': "BigInteger",
    'Text, key="other"': "String(5)",
}
"""The former type of a column by its new one; no type where none converts without a decision.

Both ways are tried, each as a change of the declaration.
"""

_COLUMNS = 'Column("id", Integer, primary_key=True), Column("a", Integer), Column("b", Text)'
_PLAIN = f'Table("t", metadata, {_COLUMNS})\n'


def _with(part: str) -> tuple[str, str]:
    return _PLAIN, f'Table("t", metadata, {_COLUMNS}, {part})\n'


_PARENT = """
Table("t", metadata, Column("id", Integer, primary_key=True), Column("a", {}, index=True),
    CheckConstraint("a > 0", name="positive"))
Table("child", metadata, Column("c", Integer), postgresql_inherits="t")
Table("grandchild", metadata, postgresql_inherits="child")
"""
_KEY = "    id: Mapped[Optional[int]] = mapped_column(primary_key=True)\n"
_CLASS = f"""
class A(Base):
    __tablename__ = "a"
{_KEY}"""

OPTIONS: Mapping[str, tuple[str, str]] = {
    "options of a table": _with('postgresql_with={"fillfactor": 70, "autovacuum_enabled": False}'),
    "options of an index": _with('Index("i", "a", postgresql_with={"fillfactor": 50})'),
    "a method": _with('Index("i", "a", postgresql_using="hash")'),
    "an operator class": _with('Index("i", "b", postgresql_ops={"b": "text_pattern_ops"})'),
    "an operator class of an expression": _with(
        'Index("i", func.lower(text("b")).label("low"), postgresql_ops={"low": "text_pattern_ops"})'
    ),
    "an operator class of a document": _with(
        'Column("j", JSONB), Index("i", "j", postgresql_using="gin",'
        ' postgresql_ops={"j": "jsonb_path_ops"})'
    ),
    "included columns": _with('Index("i", "a", postgresql_include=["b"], unique=True)'),
    "a condition": _with('Index("i", "a", postgresql_where=text(r"a > 3 and b <> \'\\:x\'"))'),
    "null once": _with('Index("i", "a", unique=True, postgresql_nulls_not_distinct=True)'),
    "a tablespace": _with('Index("i", "a", postgresql_tablespace="pg_default")'),
    "an index that is built concurrently": _with('Index("i", "a", postgresql_concurrently=True)'),
    "an order": _with('Index("i", text("a desc nulls last"), "b")'),
    "a unique constraint with null once": _with(
        'UniqueConstraint("a", name="u", postgresql_nulls_not_distinct=True)'
    ),
    "a unique constraint with included columns": _with(
        'UniqueConstraint("a", name="u", postgresql_include=["b"])'
    ),
    "a unique constraint that is deferrable": _with(
        'UniqueConstraint("a", name="u", deferrable=True, initially="DEFERRED")'
    ),
    "an exclusion": _with(
        'Column("r", INT4RANGE), ExcludeConstraint(("r", "&&"), name="x", where=text("a > 1"))'
    ),
    "an exclusion without a name": _with('Column("r", INT4RANGE), ExcludeConstraint(("r", "&&"))'),
    "a foreign key that is not valid": _with(
        'ForeignKeyConstraint(["a"], ["t.id"], name="f", postgresql_not_valid=True)'
    ),
    "a check that is not valid": _with(
        'CheckConstraint("a > 0", name="c", postgresql_not_valid=True)'
    ),
    "a comment": _with('comment="It\'s %(x)s :y 100%"'),
    "a partitioned table": (
        "",
        'Table("p", metadata, Column("d", Date, primary_key=True), **BY_DAY)\n',
    ),
    "a table that inherits": ("", _PARENT.format("Integer")),
    "a parent table that changes": (_PARENT.format("Integer"), _PARENT.format("BigInteger")),
    "a column that is appended": (
        _PLAIN,
        f"""{_PLAIN}
metadata.tables["t"].append_column(
    Column("more", Enum("x", "y", name="more"), index=True, server_default="x", comment="c")
)
""",
    ),
    "a constraint that is appended": (
        _PLAIN,
        f"""{_PLAIN}
metadata.tables["t"].append_constraint(CheckConstraint("a > 1", name="more"))
Index("late", metadata.tables["t"].c.a.desc().nulls_last())
""",
    ),
    "dataclasses": (
        "",
        """
class A(MappedAsDataclass, Base):
    __tablename__ = "a"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    mood: Mapped[Mood] = mapped_column(default=Mood.good, server_default="good")
    price: Mapped[Optional[decimal.Decimal]] = mapped_column(Numeric(10, 2), default=None)
""",
    ),
    "mixins": (
        _CLASS,
        f"""
class Owned:
    @declared_attr.directive
    def __tablename__(cls):
        return cls.__name__.lower()
    @declared_attr.directive
    def __table_args__(cls):
        index = Index(f"ix_{{cls.__tablename__}}", "made", postgresql_using="brin")
        check = CheckConstraint("made is not null", name=f"ck_{{cls.__tablename__}}")
        return index, check, {{"comment": "mixed", "postgresql_with": {{"fillfactor": 70}}}}
    made: Mapped[str] = mapped_column(String(30), server_default="x")
    @declared_attr
    def owner(cls) -> Mapped[Optional[int]]:
        return mapped_column(ForeignKey("a.id"), index=True)

class A(Owned, Base):
{_KEY}
class B(Owned, Base):
{_KEY}""",
    ),
    "annotated types": (
        _CLASS,
        f"""
Name = Annotated[str, mapped_column(String(30), server_default="x", index=True)]
{_CLASS}
    name: Mapped[Name]
    other: Mapped[Optional[Name]]
""",
    ),
    "imperative tables": (
        "",
        """
class User: ...
registry(metadata=metadata).map_imperatively(User, Table(
    "users", metadata, Column("id", Integer, primary_key=True), Column("moods", ARRAY(Enum(Mood)))
))
""",
    ),
    "tables of a class hierarchy": (
        _CLASS,
        f"""{_CLASS}
    kind: Mapped[str] = mapped_column(String(5), server_default="a")
    __mapper_args__ = {{"polymorphic_on": "kind", "polymorphic_identity": "a"}}

class B(A):
    __tablename__ = "b"
    id: Mapped[int] = mapped_column(ForeignKey("a.id"), primary_key=True)
    __mapper_args__ = {{"polymorphic_identity": "b"}}

class C(A):
    size: Mapped[Optional[int]] = mapped_column(use_existing_column=True)
    __mapper_args__ = {{"polymorphic_identity": "c"}}
""",
    ),
}
"""What is declared before and after, by what is declared in addition."""
