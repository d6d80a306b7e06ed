"""Operations that depend on a condition in the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO

from alembic import op

from townhall.pg import sql
from townhall.pg.dialect import named_dialect


@contextmanager
def only_where(condition: str) -> Iterator[None]:
    """Run the operations of a block only in databases in which a condition is true.

    They become one statement that evaluates the condition when it runs, in a script as well.

    Args:
        condition: An SQL condition: ``to_regclass('public.seats') is not null``.
    """
    impl = op.get_context().impl
    script = StringIO()
    writing = {
        "as_sql": True,
        "literal_binds": True,
        "output_buffer": script,
        "dialect": named_dialect(),
    }
    previous = {name: getattr(impl, name) for name in writing}
    vars(impl).update(writing)
    try:
        yield
    finally:
        vars(impl).update(previous)
    body = f"\nbegin\nif {sql.layout(condition)} then\n{script.getvalue()}\nend if;\nend\n"
    op.execute(sql.statement(f"do {sql.dollar_quoted(body)}"))


def refuse_if(count: str, message: str, *, hint: str) -> None:
    """Refuse the revision where rows contradict it, and have to be corrected first.

    Args:
        count: An SQL expression or a query in parentheses, of type ``bigint``.
        message: What is wrong; ``%`` in it stands for the count.
        hint: How to correct the rows.

    Raises:
        DBAPIError: The count is not 0.
    """
    op.execute(
        sql.statement(
            sql.do(
                f"""
declare
    refused constant bigint := {sql.layout(count)};
begin
    if refused > 0 then
        raise exception {sql.literal(message)}, refused
            using hint = {sql.literal(hint)};
    end if;
end
"""
            )
        )
    )
