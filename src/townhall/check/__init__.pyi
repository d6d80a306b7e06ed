# The public names, each with the module that has it; __init__.py looks up in this file.
from townhall.check.checking import check as check
from townhall.check.errors import CheckError as CheckError
from townhall.check.findings import Finding as Finding
from townhall.check.impact import Severity as Severity
from townhall.check.report import Answer as Answer
from townhall.check.report import Report as Report

__all__: list[str]
