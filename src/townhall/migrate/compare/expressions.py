"""SQL expressions of what is declared, as a comparison and a revision write them."""

from __future__ import annotations

import re
from typing import Any

from alembic.runtime.migration import MigrationContext
from sqlalchemy import ClauseElement

from townhall.pg.dialect import quote_reserved_words

_PARAMETER = re.compile(r"(?<![:\w]):(?=\w+(?!:))|(?<=\\):(?=[\w$]*(?![:\w$]))")
"""The colon of what SQLAlchemy would take for a parameter in a text, or for one that is none."""


def render_sql_unchanged(context: MigrationContext) -> None:
    """Let a migration context render SQL expressions that mean the same when a revision runs.

    The driver's percent signs are not doubled, a colon starts no parameter, and every reserved word
    that is a name is quoted.

    Args:
        context: The context of one run, which alone is changed.
    """
    impl = context.impl
    quote_reserved_words(impl.dialect)
    doubles = impl.dialect.identifier_preparer._double_percents  # noqa: SLF001 - there is no public way
    render = impl.render_ddl_sql_expr

    def render_unchanged(expr: ClauseElement, *args: Any, **options: Any) -> str:  # noqa: ANN401 - Alembic's
        rendered = render(expr, *args, **options)
        rendered = rendered.replace("%%", "%") if doubles else rendered
        # The expression of an index is written as a literal column, which has no parameters.
        return rendered if options.get("is_index") else without_parameters(rendered)

    vars(impl)["render_ddl_sql_expr"] = render_unchanged


def without_parameters(condition: str) -> str:
    """Return a condition in which no colon starts a parameter of SQLAlchemy's ``text``."""
    return _PARAMETER.sub(r"\\:", condition)
