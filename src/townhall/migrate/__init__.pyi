# The public names, each with the module that has it; __init__.py looks up in this file.
from townhall.migrate.commands import alembic_config as alembic_config
from townhall.migrate.commands import downgrade as downgrade
from townhall.migrate.commands import upgrade as upgrade
from townhall.migrate.environment import run as run
from townhall.migrate.settings import SETTINGS as SETTINGS
from townhall.migrate.settings import Settings as Settings
from townhall.migrate.urls import resolve_url as resolve_url

__all__: list[str]
