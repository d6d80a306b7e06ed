"""The files of a pulled application."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from importlib.resources import files
from string import Template

from townhall.migrate.commands import SCRIPT_LOCATION
from townhall.migrate.compare.scope import OF_PLATFORM
from townhall.migrate.write.python_source import quoted
from townhall.pg import Domain, Entity, EnumType, Extension, sql
from townhall.pg.catalog import PLATFORM_SCHEMAS, TableName
from townhall.pull.access_rules import FoundRule, access_rules
from townhall.pull.column_types import TypeNames, enum_key
from townhall.pull.declarable import Declarable, declarable
from townhall.pull.left_out import LeftOut, left_out, not_compared
from townhall.pull.models import Models
from townhall.pull.names import constant_name, module_name
from townhall.pull.principals import Helper
from townhall.pull.renderings import Renderings
from townhall.pull.rooms import ROOMS, render_entities, room_of, sorted_entities
from townhall.pull.source import Source, roles_of
from townhall.roles import SUPABASE, Roles

_FUTURE = "from __future__ import annotations\n"
_TOKENS = {
    "dt": "import datetime as dt",
    "decimal": "import decimal",
    "uuid": "import uuid",
    "sa": "import sqlalchemy as sa",
    "postgresql": "from sqlalchemy.dialects import postgresql",
    "pg": "from townhall import pg",
}


class Package:
    """A database as the files of an application."""

    def __init__(self, source: Source, name: str, renderings: Renderings) -> None:
        """Find the names of everything.

        Args:
            source: The database.
            name: The name of the package.
            renderings: What PostgreSQL makes of conditions.
        """
        self._source, self._name = source, name
        taken = {"base", "extensions"}
        self._modules: dict[str, str] = {}
        for schema in sorted({*source.schemas, *PLATFORM_SCHEMAS}):
            self._modules[schema] = module_name(schema, taken)
            taken.add(self._modules[schema])
        enums = [each for each in source.entities if isinstance(each, EnumType) and each.values]
        domains = [each for each in source.entities if isinstance(each, Domain)]
        constants: dict[str, str] = {}
        for enum in enums:
            constants[enum_key(enum)] = constant_name(enum.name, constants.values())
        used = {
            re.sub(r"(\[\])+$", "", column.type)
            for table in source.tables.values()
            for column in table.columns.values()
        }
        self._enums = [
            (constants[enum_key(enum)], enum) for enum in enums if enum_key(enum) in used
        ]
        plain = [
            EnumType(schema=each.schema, name=each.name, values=each.values)
            for _, each in self._enums
        ]
        self.declared: Declarable = declarable(source, plain)
        self._models = Models(
            source.definitions,
            TypeNames(
                {enum_key(enum): constant for constant, enum in self._enums},
                {sql.qualified(each.schema, each.name): each for each in domains},
            ),
            self.declared.columns_with_sequences,
        )
        self.rules = access_rules(
            self.declared.entities, self._models.tables, roles_of(source), renderings
        )

    def files(self) -> dict[str, str]:
        """Return the text of each file, by its path in the folder of the application."""
        found: dict[str, str] = {}
        entities = self._entities()
        for schema, module in self._modules.items():
            found |= self._schema(schema, module, entities.get(schema, []))
        extensions = [each for each in self.declared.entities if isinstance(each, Extension)]
        if extensions:
            found["extensions"] = _module(
                "The extensions.", render_entities("EXTENSIONS", sorted_entities(extensions))
            )
        return {
            **{f"{self._name}/{path}.py": text for path, text in found.items()},
            **self._templates(found),
        }

    @property
    def left_out(self) -> Sequence[LeftOut]:
        """What is not pulled."""
        return left_out(self._source, self.declared)

    @property
    def not_compared(self) -> Sequence[LeftOut]:
        """What only the first revision has; known once the files are written."""
        return not_compared(self._source, self._models)

    def _entities(self) -> dict[str, list[Entity]]:
        found: dict[str, list[Entity]] = defaultdict(list)
        replaced = {key for rule in self.rules for key in rule.replaced}
        for entity in self.declared.entities:
            if not isinstance(entity, Extension) and entity.key not in replaced:
                found[entity.schema].append(entity)
        return found

    def _schema(self, schema: str, module: str, entities: Sequence[Entity]) -> dict[str, str]:
        found: dict[str, str] = {}
        types = "".join(
            f"{constant} = {_enum(enum)}\n"
            for constant, enum in self._enums
            if enum.schema == schema
        )
        for room, (title, _) in ROOMS.items():
            own = sorted_entities(each for each in entities if room_of(each) == room)
            rules = [each for each in self.rules if (room, schema) == ("access", each.table[0])]
            before = types if room == "types" else ""
            if own or rules or before:
                constants = {each.function.key: each.constant for each in self._helpers}
                body = render_entities(room.upper(), own, constants=constants, rules=rules)
                docstring = f"{title} of the schema {_in_words(schema)}."
                found[f"{module}/{room}"] = _module(
                    docstring,
                    f"{before}\n{body if own or rules else ''}",
                    self._imports_of_rules(rules, body),
                )
        models, stubs = self._models.source(schema), self._stubs(schema)
        if models or stubs:
            words = "" if models else " that are referred to"
            found[f"{module}/models"] = _module(
                f"The tables of the schema {_in_words(schema)}{words}.",
                "\n\n\n".join(filter(None, (stubs, models))),
                self._imports(schema),
            )
        if found:
            found[f"{module}/__init__"] = f'"""The schema {_in_words(schema)}."""\n'
        return found

    def _imports(self, schema: str) -> Iterable[str]:
        yield "from typing import TYPE_CHECKING, Any"
        yield "from sqlalchemy.orm import Mapped, mapped_column, relationship"
        yield f"from {self._name}.base import Base, row_key"
        for constant, enum in self._enums:
            yield f"from {self._name}.{self._modules[enum.schema]}.types import {constant}"
        others = self._models.imported(schema)
        if others:
            yield "if TYPE_CHECKING:"
            for other, name in others:
                yield f"    from {self._name}.{self._modules[other]}.models import {name}"

    @property
    def _helpers(self) -> list[Helper]:
        return sorted({each for rule in self.rules for each in rule.helpers}, key=_constant)

    def _imports_of_rules(self, rules: Sequence[FoundRule], body: str) -> Iterable[str]:
        words = [each for each in _VOCABULARY if re.search(rf"\b{each}\b", body)]
        if rules:
            yield f"from townhall.pg.access import {', '.join(words)}"
        for rule in rules:
            place = f"{self._name}.{self._modules[rule.table[0]]}.models"
            yield f"from {place} import {self._models.tables[rule.table].class_name}"
        for each in sorted({helper for rule in rules for helper in rule.helpers}, key=_constant):
            place = f"{self._name}.{self._modules[each.function.schema]}.functions"
            yield f"from {place} import {each.constant}"

    def _stubs(self, schema: str) -> str:
        # Those of the platform, of extensions, and partitions.
        referred = self._models.referred
        names = sorted(name for name in referred if name[0] == schema)
        taken = [each.class_name for each in self._models.tables.values()]
        taken += [constant for constant, _ in self._enums]
        return "\n\n".join(
            _stub(name, referred[name], constant_name(name[1], taken)) for name in names
        )

    def _templates(self, modules: Mapping[str, str]) -> dict[str, str]:
        values = {
            "package": self._name,
            "docstring": _docstring(self._source, self.left_out, self.not_compared),
            "roles": _roles(roles_of(self._source)),
            "imports": "\n".join(self._package_imports(modules)),
            "entities": "\n".join(f"    *{name}," for name in self._tuples(modules)),
            "schemas": ", ".join(quoted(each) for each in self._source.schemas),
            "public": ", ".join(map(quoted, self._public_names(modules))),
        }
        templates = files("townhall.pull") / "templates"
        texts = {
            place.format(package=self._name): Template(
                (templates / f"{template}.txt").read_text(encoding="utf-8")
            ).substitute(values)
            for template, place in _PLACES.items()
        }
        script = SCRIPT_LOCATION / "script.py.mako"
        return {**texts, "migrations/script.py.mako": script.read_text(encoding="utf-8")}

    def _package_imports(self, modules: Mapping[str, str]) -> Iterable[str]:
        yield f"from {self._name}.base import Base"
        for path in sorted(modules):
            *folder, name = path.split("/")
            place = ".".join([self._name, *folder])
            if name == "models":
                yield f"from {place} import models as {folder[0]}_models"
            elif f"{name.upper()}:" in modules[path]:
                yield f"from {place}.{name} import {name.upper()} as {_alias(path)}"

    def _public_names(self, modules: Mapping[str, str]) -> list[str]:
        models = [path.partition("/")[0] for path in modules if path.endswith("/models")]
        return ["ROLES", *sorted(["entities", "metadata", *(f"{each}_models" for each in models)])]

    def _tuples(self, modules: Mapping[str, str]) -> Iterable[str]:
        for room in ROOMS:
            for path in sorted(modules):
                if path.rpartition("/")[2] == room and f"{room.upper()}:" in modules[path]:
                    yield _alias(path)


_VOCABULARY = (
    "Access",
    "Declaration",
    "Principal",
    "anyone",
    "anyone_with",
    "either",
    "owner",
    "signed_in",
)
_PLACES = {
    "alembic.ini": "alembic.ini",
    "env.py": "migrations/env.py",
    "package.py": "{package}/__init__.py",
    "base.py": "{package}/base.py",
}
"""Where each template is written to."""


def _constant(helper: Helper) -> str:
    return helper.constant


def _alias(path: str) -> str:
    return path.replace("/", "_").upper()


def _module(docstring: str, body: str, imports: Iterable[str] = ()) -> str:
    # Where ruff is installed it removes what is not needed, and sorts the others.
    needed = [line for token, line in _TOKENS.items() if re.search(rf"\b{token}\.", body)]
    lines = [*needed, *imports]
    return "\n".join([f'"""{docstring}"""\n', _FUTURE, *lines, "", "", body.strip("\n"), ""])


def _in_words(name: str) -> str:
    return re.sub(r'["\\\n]', "'", name)


def _enum(enum: EnumType) -> str:
    values = ", ".join(map(quoted, enum.values))
    schema = "" if enum.schema == "public" else f", schema={quoted(enum.schema)}"
    return f"sa.Enum({values}, name={quoted(enum.name)}{schema})"


def _stub(name: TableName, columns: Mapping[str, str], constant: str) -> str:
    types = TypeNames({}, {})
    schema, table = name
    return "\n".join(
        [
            f"{constant} = sa.Table(",
            f"    {quoted(table)},",
            "    Base.metadata,",
            *(
                f"    sa.Column({quoted(column)}, {types.source(columns[column]).expression}),"
                for column in sorted(columns)
            ),
            *([] if schema == "public" else [f"    schema={quoted(schema)},"]),
            f'    info={{"{OF_PLATFORM}": True}},',
            ")",
        ]
    )


def _docstring(source: Source, missing: Sequence[LeftOut], not_compared: Sequence[LeftOut]) -> str:
    lines = [f"The schema of the database {_in_words(source.name)}, as townhall pull wrote it."]
    for title, found in (
        ("Not pulled:", missing),
        ("Made by the first revision, and neither declared nor compared:", not_compared),
    ):
        if found:
            lines += ["", title, "", *(f"- {_in_words(str(each))}" for each in found)]
    return "\n".join([*lines, ""] if len(lines) > 1 else lines)


def _roles(roles: Roles) -> str:
    changed = [
        f"{each.name}={getattr(roles, each.name)!r}"
        for each in fields(roles)
        if each.name != "caller_type" and getattr(roles, each.name) != getattr(SUPABASE, each.name)
    ]
    if roles.caller_type is not SUPABASE.caller_type:
        changed.append(f"caller_type={roles.caller_type.__name__}")
    return f"Roles({', '.join(changed)})"
