# The public names, each with the module that has it; __init__.py looks up in this file.
from townhall.testing.access import Outcome as Outcome
from townhall.testing.access import acting as acting
from townhall.testing.access import outcome as outcome
from townhall.testing.accounts import create_account as create_account
from townhall.testing.accounts import delete_account as delete_account
from townhall.testing.accounts import managing_accounts as managing_accounts
from townhall.testing.cases import OUTCOME_CODES as OUTCOME_CODES
from townhall.testing.cases import AccessCase as AccessCase
from townhall.testing.cases import access_cases as access_cases
from townhall.testing.fixtures import townhall_async_engine as townhall_async_engine
from townhall.testing.fixtures import townhall_connection as townhall_connection
from townhall.testing.fixtures import townhall_database as townhall_database
from townhall.testing.fixtures import townhall_databases as townhall_databases
from townhall.testing.fixtures import townhall_engine as townhall_engine
from townhall.testing.fixtures import townhall_migrate as townhall_migrate
from townhall.testing.fixtures import townhall_owner as townhall_owner
from townhall.testing.fixtures import townhall_parallel_sessions as townhall_parallel_sessions
from townhall.testing.fixtures import townhall_roles as townhall_roles
from townhall.testing.fixtures import townhall_server as townhall_server
from townhall.testing.fixtures import townhall_session as townhall_session
from townhall.testing.fixtures import townhall_sessions as townhall_sessions
from townhall.testing.fixtures import townhall_shared_engine as townhall_shared_engine
from townhall.testing.fixtures import townhall_template as townhall_template

__all__: list[str]
