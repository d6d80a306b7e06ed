"""Scores of founders, and the benchmarks that are computed from them."""

from __future__ import annotations

import uuid
from datetime import datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, Index, desc
from sqlalchemy.orm import Mapped, mapped_column

from townhall.base import PERSON, Base, Created, JsonObject, UuidKey, ViewBase, is_object
from townhall.types import ExactNumeric


class InvestorReadinessScore(Created, Base):
    """A score of a founder's investor readiness."""

    __tablename__ = "investor_readiness_scores"
    __table_args__ = (
        CheckConstraint("overall_score between 0 and 100", name="overall_score_in_range"),
        is_object("breakdown"),
        Index("ix_investor_readiness_scores_user_id_created_at", "user_id", desc("created_at")),
        {"comment": "The investor readiness of a founder; the latest row is the current one."},
    )

    id: Mapped[UuidKey]
    user_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("auth.users.id", ondelete="CASCADE", info=PERSON)
    )
    overall_score: Mapped[Decimal] = mapped_column(ExactNumeric(5, 2), comment="From 0 to 100.")
    breakdown: Mapped[JsonObject] = mapped_column(comment="The parts of the score.")


class _BenchmarkAggregate:
    """The scores of the consenting founders of a group."""

    founder_count: Mapped[int]
    avg_irs_score: Mapped[Decimal | None]
    median_irs_score: Mapped[Decimal | None]
    refreshed_at: Mapped[datetime]


class BenchmarkStageAggregate(_BenchmarkAggregate, ViewBase):
    """The scores of the consenting founders at a stage."""

    __tablename__ = "benchmark_stage_aggregates"

    stage: Mapped[str] = mapped_column(primary_key=True)


class BenchmarkIndustryAggregate(_BenchmarkAggregate, ViewBase):
    """The scores of the consenting founders of an industry."""

    __tablename__ = "benchmark_industry_aggregates"

    industry: Mapped[str] = mapped_column(primary_key=True)
