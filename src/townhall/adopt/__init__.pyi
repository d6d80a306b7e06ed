# The public names, each with the module that has it; __init__.py looks up in this file.
from townhall.adopt.adopting import adopt as adopt
from townhall.adopt.adopting import script as script
from townhall.adopt.adoption import Outcome as Outcome
from townhall.adopt.comparison import compare as compare
from townhall.adopt.decisions import Decisions as Decisions
from townhall.adopt.decisions import read_decisions as read_decisions
from townhall.adopt.differences import Difference as Difference
from townhall.adopt.errors import DecisionError as DecisionError
from townhall.adopt.findings import Finding as Finding
from townhall.adopt.findings import Question as Question
from townhall.adopt.findings import Weight as Weight
from townhall.adopt.looking import look as look
from townhall.adopt.report import Look as Look
from townhall.adopt.states import States as States
from townhall.adopt.states import read_states as read_states

__all__: list[str]
