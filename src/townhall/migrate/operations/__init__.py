"""Operations on tables, types and schemas that Alembic lacks.

Those on entities are in :mod:`townhall.pg.operations`, because revisions use them.
"""
