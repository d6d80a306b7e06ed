"""Alembic's entry point; the work is in :mod:`townhall.migrate`."""

from townhall import migrate
from townhall.domains.product import PRODUCT

migrate.run(product=PRODUCT)
