"""Access to wizard sessions."""

from __future__ import annotations

from townhall.domains.wizard.models import WizardSession
from townhall.pg import AUTHENTICATED, Policy
from townhall.pg.access import Access, owner

the_owner = owner(WizardSession.user_id)

RULES = (
    Access(
        WizardSession,
        read=the_owner,
        write=the_owner,
        fixed=(WizardSession.user_id,),
        policies=(
            Policy(
                table="wizard_sessions",
                name="wizard_sessions_policy",
                command="all",
                roles=(AUTHENTICATED,),
                using=the_owner.condition,
                check=the_owner.condition,
                comment="Users reach their own sessions.",
            ),
            Policy(
                table="wizard_sessions",
                name="wizard_sessions_insert_policy",
                command="insert",
                roles=(AUTHENTICATED,),
                check=the_owner.condition,
                permissive=False,
                comment="Restrictive: a policy that is added later can't allow inserts for other"
                " users.",
            ),
        ),
    ),
)
