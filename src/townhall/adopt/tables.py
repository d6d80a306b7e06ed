"""The findings on the tables that have declared names: columns, constraints, indexes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import singledispatch

from townhall.adopt.differences import (
    AcceptsNull,
    Difference,
    DomainCheck,
    DomainDefault,
    IndexForConstraint,
    MissingColumn,
    MissingConstraint,
    MissingIndex,
    NoTable,
    NotValidated,
    OtherConstraint,
    OtherDefault,
    OtherGeneration,
    OtherIndex,
    OtherName,
    OtherNumbers,
    OtherType,
    RefusesNull,
    TiedTable,
    UndeclaredConstraint,
    UndeclaredIndex,
    UnfilledColumn,
)
from townhall.adopt.findings import (
    Finding,
    Question,
    Weight,
    drop_or_keep,
    kept_by_default,
)
from townhall.adopt.rows import Breach
from townhall.adopt.words import counted, with_article
from townhall.pg import sql
from townhall.printing import abridged

_STOP, _DECIDE, _CHANGE, _NOTE = Weight.STOP, Weight.DECIDE, Weight.CHANGE, Weight.NOTE


def findings_on_tables(breaches: Mapping[Difference, Breach | None]) -> list[Finding]:
    """Return a finding for each difference of an existing table.

    Args:
        breaches: The differences, each with the rows that are in the way of the declared state.
    """
    return [finding_of(difference, breach) for difference, breach in breaches.items()]


@singledispatch
def finding_of(difference: Difference, _: Breach | None) -> Finding:
    """Return the finding for a difference of an existing table.

    Args:
        difference: The difference; each kind has a function of its own.
        _: The rows that are in the way of the declared state.
    """
    raise TypeError(f"there is no finding for {type(difference).__name__}")


@finding_of.register
def _no_table(difference: NoTable, _: Breach | None) -> Finding:
    text = f"is {with_article(difference.kind)}, and a table is declared with this name"
    plan = "rename or drop it, or make it an ordinary table"
    if difference.kind == "unlogged table":
        plan = f"run alter table {sql.qualified(*difference.table)} set logged"
    return _made(difference, _STOP, "no table", text, plan)


@finding_of.register
def _tied_table(difference: TiedTable, _: Breach | None) -> Finding:
    # A change of such a table is refused, or changes the others too; keys do not reach their rows.
    text = f"{difference.tie.text}, and a table that stands alone is declared with this name"
    plan = f"run {difference.tie.release}, which leaves it its columns and rows"
    return _made(difference, _STOP, "tied table", text, plan)


@finding_of.register
def _missing_column(difference: MissingColumn, breach: Breach | None) -> Finding:
    column = difference.column
    if difference.needs_fill and (breach is None or breach.count or breach.problem):
        rows = f" of {counted(breach.count, 'row')}" if breach is not None and breach.count else ""
        text = f"is missing, refuses NULL and has no default: the values{rows} are to be given"
        plan = "it is added and filled"
        question = Question("fill", difference.column_name)
        return _made(difference, _DECIDE, "missing column", text, plan, question)
    default = f" with the default {abridged(column.default)}" if column.default else ""
    return _made(difference, _CHANGE, "missing column", "is missing", f"it is added{default}")


@finding_of.register
def _other_type(difference: OtherType, breach: Breach | None) -> Finding:
    declared, actual, conversion = difference.declared, difference.actual, difference.conversion
    text = f"is {actual.type}; declared: {declared.type}"
    if declared.type == actual.type:
        text = f"is sorted by {actual.collation or 'the default'}; declared: {declared.collation}"
    if conversion.remark:
        text = f"{text}; {conversion.remark}"
    if breach is not None and breach.count:
        text = f"{text}. {breach.sentence('do not convert')}"
    rewrite = ", which rewrites the table" if conversion.rewrites else ""
    if conversion.is_safe:
        plan = f"it is converted{rewrite}"
        question = Question(
            "convert", difference.column_name, conversion.expression, is_required=False
        )
        return _made(difference, _CHANGE, "converted column", text, plan, question)
    question = Question("convert", difference.column_name, conversion.expression)
    plan = f"it is converted by the expression that is decided{rewrite}"
    return _made(difference, _DECIDE, "column to convert", text, plan, question)


@finding_of.register
def _domain_default(difference: DomainDefault, _: Breach | None) -> Finding:
    text = f"takes the default {abridged(str(difference.actual.default))} from its domain"
    return _made(difference, _CHANGE, "default of a domain", text, "it gets a default of its own")


@finding_of.register
def _domain_check(difference: DomainCheck, _: Breach | None) -> Finding:
    definition = abridged(difference.constraint.definition)
    if difference.is_implied:
        text = f"is said by the domain of a column that gets another type: {definition}"
        return _made(difference, _CHANGE, "check of a domain", text, "the table gets it")
    text = (
        "is said by the domain of a column that gets another type, is not declared, and may refuse"
        f" declared rows: {definition}"
    )
    plan = "it is dropped, or kept as a constraint of the table, as decided"
    return _made(
        difference, _DECIDE, "check of a domain", text, plan, drop_or_keep(difference.identity)
    )


@finding_of.register
def _accepts_null(difference: AcceptsNull, breach: Breach | None) -> Finding:
    default = difference.declared.default
    text = "accepts NULL"
    if breach is not None and breach.problem is None and not breach.count:
        return _made(difference, _CHANGE, "nullable column", text, "NULL is refused")
    if default is None:
        if breach is not None and breach.count:
            text = f"accepts NULL; {breach.sentence('have it')}"
        question = Question("fill", difference.column_name)
        plan = "the rows are filled, and NULL is refused"
        return _made(difference, _DECIDE, "column to fill", text, plan, question)
    if breach is not None and breach.count:
        have = "has" if breach.count == 1 else "have"
        text = f"accepts NULL, which {counted(breach.count, 'row')} {have}"
    question = Question("fill", difference.column_name, default, is_required=False)
    plan = f"such rows get the default {abridged(default)}, and NULL is refused"
    return _made(difference, _CHANGE, "column to fill", text, plan, question)


@finding_of.register
def _refuses_null(difference: RefusesNull, _: Breach | None) -> Finding:
    text = "refuses NULL, which is declared to be accepted"
    return _made(difference, _CHANGE, "required column", text, "NULL is accepted")


@finding_of.register
def _other_default(difference: OtherDefault, _: Breach | None) -> Finding:
    declared, actual = (
        "no default" if each is None else f"the default {abridged(each)}"
        for each in (difference.declared.default, difference.actual.default)
    )
    kind = "equivalent default" if difference.means_the_same else "other default"
    text = f"has {actual}; declared: {declared.removeprefix('the default ')}"
    return _made(difference, _CHANGE, kind, text, f"it gets {declared}")


@finding_of.register
def _other_generation(difference: OtherGeneration, _: Breach | None) -> Finding:
    declared, actual = (
        abridged(each.generated or " ".join(each.identity[:1]) or "ordinary")
        for each in (difference.declared, difference.actual)
    )
    text = f"is {actual}; declared: {declared}"
    if difference.keeps_values:
        plan = "it is made as declared, and its values stay"
        return _made(difference, _CHANGE, "generated column", text, plan)
    plan = "drop or rename it; it is then added, and computed for each row"
    return _made(difference, _STOP, "generated column", text, plan)


@finding_of.register
def _other_numbers(difference: OtherNumbers, _: Breach | None) -> Finding:
    if difference.actual.sequence is None:
        text = "has no sequence of its own, from which it is declared to take its numbers"
        plan = "it gets one, which begins behind the numbers that rows have"
    else:
        options = " ".join(difference.declared.sequence_options)
        text = f"takes its numbers from a sequence with other options; declared: {options}"
        plan = "the sequence gets these, and goes on"
    return _made(difference, _CHANGE, "numbered column", text, plan)


@finding_of.register
def _unfilled_column(difference: UnfilledColumn, _: Breach | None) -> Finding:
    text = "is not declared, refuses NULL and has no default: declared inserts fail"
    plan = "it is dropped, or kept and then accepts NULL, as decided"
    question = drop_or_keep(difference.identity)
    return _made(difference, _DECIDE, "required column", text, plan, question)


@finding_of.register
def _other_name(difference: OtherName, _: Breach | None) -> Finding:
    name = sql.quote(difference.declared.name)
    text = f"is declared with the name {name}"
    return _made(
        difference, _CHANGE, f"renamed {difference.kind}", text, f"it is renamed to {name}"
    )


@finding_of.register
def _not_validated(difference: NotValidated, breach: Breach | None) -> Finding:
    text = "was not validated for the rows that were there before it"
    return _with_rows(difference, "constraint to validate", text, "it is validated", breach)


@finding_of.register
def _other_constraint(difference: OtherConstraint, breach: Breach | None) -> Finding:
    declared = difference.declared
    same = "says the same as" if difference.means_the_same else "is about the same as"
    text = f"{same} {sql.quote(declared.name)}: {abridged(declared.definition)}"
    if declared.name == difference.actual.name:
        text = f"is not as declared: {abridged(declared.definition)}"
    plan = "it is replaced by what is declared"
    return _with_rows(difference, f"other {declared.kind}", text, plan, breach)


@finding_of.register
def _index_for_constraint(difference: IndexForConstraint, _: Breach | None) -> Finding:
    declared = difference.declared
    text = f"is unique, and {with_article(declared.kind)} {sql.quote(declared.name)} is declared"
    return _made(difference, _CHANGE, "index for a key", text, "it becomes that key")


@finding_of.register
def _missing_constraint(difference: MissingConstraint, breach: Breach | None) -> Finding:
    constraint = difference.constraint
    text = f"is missing: {abridged(constraint.definition)}"
    return _with_rows(difference, f"missing {constraint.kind}", text, "it is added", breach)


@finding_of.register
def _undeclared_constraint(difference: UndeclaredConstraint, _: Breach | None) -> Finding:
    if difference.replaced_by is not None:
        text = f"is declared as the unique index {sql.quote(difference.replaced_by.name)}"
        plan = "that index is built, and the constraint dropped"
        return _made(difference, _CHANGE, "key for an index", text, plan)
    definition = abridged(difference.constraint.definition)
    text = f"is not declared, and may refuse declared rows: {definition}"
    plan = "it is dropped or kept as decided"
    question = drop_or_keep(difference.identity)
    return _made(difference, _DECIDE, "undeclared constraint", text, plan, question)


@finding_of.register
def _other_index(difference: OtherIndex, breach: Breach | None) -> Finding:
    text = f"is not as declared: {abridged(difference.declared.method_and_columns)}"
    return _with_rows(difference, "other index", text, "it is built again", breach)


@finding_of.register
def _missing_index(difference: MissingIndex, breach: Breach | None) -> Finding:
    unique = "unique " if difference.index.is_unique else ""
    text = f"is missing: {unique}{abridged(difference.index.method_and_columns)}"
    return _with_rows(difference, f"missing {unique}index", text, "it is built", breach)


@finding_of.register
def _undeclared_index(difference: UndeclaredIndex, _: Breach | None) -> Finding:
    if difference.index.is_unique:
        text = "is unique and not declared: it may refuse declared rows"
        plan = "it is dropped or kept as decided"
        question = drop_or_keep(difference.identity)
        return _made(difference, _DECIDE, "undeclared unique index", text, plan, question)
    question = kept_by_default(difference.identity)
    return _made(difference, _NOTE, "undeclared index", "is not declared", "it stays", question)


def _with_rows(
    difference: Difference, kind: str, text: str, plan: str, breach: Breach | None
) -> Finding:
    if breach is not None and breach.problem is not None:
        text = f"{text}; rows that break it were not counted: {breach.problem}"
    elif breach is not None and breach.count:
        text = f"{text}. {breach.sentence('break it')}"
        return _made(difference, _STOP, kind, text, f"correct or delete these rows; then {plan}")
    return _made(difference, _CHANGE, kind, text, plan)


def _made(  # noqa: PLR0913, PLR0917 - the fields of a finding
    difference: Difference,
    weight: Weight,
    kind: str,
    text: str,
    plan: str,
    question: Question | None = None,
) -> Finding:
    table = sql.qualified(*difference.table)
    name = difference.identity.partition(table)[2].lstrip(" .") or table
    return Finding(weight, kind, difference.identity, difference.table, name, text, plan, question)
