"""The operations on tables, types and schemas that Alembic does not have.

Those on entities are in :mod:`townhall.pg.operations`, since revisions are written with them.
"""
