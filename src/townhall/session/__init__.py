"""Sessions that act as a user, as the service or as an anonymous caller.

At the begin of every transaction one statement sets the role and the claims for this transaction
alone (``set_config(…, true)``, which is ``set local``), so that the database enforces access. After
a commit the next transaction sets its own, a savepoint keeps them, and none of them outlives the
transaction, neither in SQLAlchemy's pool nor in an external pooler. All of them are set each time,
so that settings of another actor that were left on the connection have no effect. PostgreSQL's own
names come first in the search path, then those of the connection's path, temporary tables and types
last. Other settings of the connection stay as they are.

Connections are those of psycopg 3, sync or async. Behind PgBouncer in transaction mode, or on the
transaction port of Supabase's pooler, switch off psycopg's prepared statements: they belong to a
server connection, and the next transaction may run on another one::

    engine = create_engine(url, connect_args={"prepare_threshold": None})

PgBouncer 1.22 and later supports prepared statements where ``max_prepared_statements`` is set and
psycopg has libpq 17; Supabase's pooler does not.

Code that runs SQL in a session is not confined: it can run ``reset role`` and be the login role
again, or set other claims. Let the login role be one without privileges of its own: ``noinherit``,
no superuser, owner of no table, only a member of the roles it acts as.
"""

from __future__ import annotations

from townhall.session.acting import ActingSession, act_as
from townhall.session.actor import Actor
from townhall.session.after_commit import RAISE_AFTER_COMMIT
from townhall.session.errors import ActorError, NotPermitted, ReadOnlyError, RoleNotGranted
from townhall.session.factories import AsyncSessionFactory, SessionFactory

__all__ = [
    "RAISE_AFTER_COMMIT",
    "ActingSession",
    "Actor",
    "ActorError",
    "AsyncSessionFactory",
    "NotPermitted",
    "ReadOnlyError",
    "RoleNotGranted",
    "SessionFactory",
    "act_as",
]
