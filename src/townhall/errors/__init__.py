"""Whatever PostgreSQL, SQLAlchemy or a function raises, as one thing to show and to test.

::

    try:
        with sessions.as_user(user_id) as session:
            session.add(participant)
    except Exception as error:
        explanation = explain(error)
        if explanation is None:
            raise
        show(explanation.sentence, status=explanation.kind.http_status)
"""

from __future__ import annotations

from townhall.errors.declarations import Declared
from townhall.errors.explaining import explain
from townhall.errors.explanation import Explanation
from townhall.refusals import Kind, Refusal, refused_with

__all__ = ["Declared", "Explanation", "Kind", "Refusal", "explain", "refused_with"]
