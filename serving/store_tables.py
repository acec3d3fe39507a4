"""The tables of the store; what has come since an earlier version may be empty there."""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()

RUNS = sa.Table(
    "runs",
    metadata,
    sa.Column("run_id", sa.String, primary_key=True),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("as_of", sa.DateTime, nullable=False),
    sa.Column("started_at", sa.DateTime, nullable=False),
    sa.Column("model_version", sa.String),
)

SCORES = sa.Table(
    "scores",
    metadata,
    sa.Column("run_id", sa.String, sa.ForeignKey("runs.run_id"), primary_key=True),
    sa.Column("as_of", sa.DateTime, nullable=False),
    sa.Column("opportunity_id", sa.String, primary_key=True),
    sa.Column("win_probability", sa.Float, nullable=False),
    sa.Column("win_probability_change", sa.Float),
    sa.Column("score", sa.Integer, nullable=False),
    sa.Column("grade", sa.String, nullable=False),
    sa.Column("win_probability_this_period", sa.Float, nullable=False),
    sa.Column("expected_close_date", sa.Date),
    sa.Column("stall_risk", sa.Float),
    sa.Column("expected_amount", sa.Float),
    sa.Column("expected_revenue_this_period", sa.Float),
    sa.Column("revenue_at_stake", sa.Float),
    sa.Column("priority", sa.Integer, nullable=False),
    sa.Column("data_confidence", sa.Float, nullable=False),
    sa.Column("reasons", sa.Text, nullable=False),
    sa.Column("stall_reasons", sa.Text, nullable=False),
    sa.Column("coaching", sa.Text, nullable=False),
    sa.Column("model_version", sa.String, nullable=False),
    sa.Column("scored_at", sa.DateTime, nullable=False),
    sa.Index("scores_by_deal", "opportunity_id", "as_of"),
    sa.Index("scores_by_priority", "run_id", "priority"),
)

DEALS = sa.Table(
    "scored_deals",
    metadata,
    sa.Column("run_id", sa.String, sa.ForeignKey("runs.run_id"), primary_key=True),
    sa.Column("opportunity_id", sa.String, primary_key=True),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("account", sa.String, nullable=False),
    sa.Column("stage", sa.String, nullable=False),
    sa.Column("owner", sa.String, nullable=False),
    sa.Column("close_date", sa.Date),
    sa.Column("amount", sa.Float),
    sa.Column("currency", sa.String, nullable=False),
    sa.Column("close_p10", sa.Date),
    sa.Column("close_p90", sa.Date),
    sa.Column("slip_probability", sa.Float),
    sa.Column("owner_id", sa.String),
    sa.Column("account_id", sa.String),
    sa.Column("stage_since", sa.Date),
    sa.Index("scored_deals_by_owner", "run_id", "owner_id"),
)

CLOSED = sa.Table(
    "closed_deals",
    metadata,
    sa.Column("run_id", sa.String, sa.ForeignKey("runs.run_id"), primary_key=True),
    sa.Column("opportunity_id", sa.String, primary_key=True),
    sa.Column("closed_at", sa.DateTime, nullable=False),
    sa.Column("is_won", sa.Boolean, nullable=False),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("account", sa.String, nullable=False),
    sa.Column("owner_id", sa.String),
    sa.Column("amount", sa.Float),
    sa.Column("currency", sa.String, nullable=False),
)

CRM_USERS = sa.Table(
    "crm_users",
    metadata,
    sa.Column("user_id", sa.String, primary_key=True),
    sa.Column("name", sa.String),
    sa.Column("email", sa.String),
    sa.Column("manager_id", sa.String),
    sa.Column("team", sa.String),
    sa.Column("region", sa.String),
    sa.Column("title", sa.String),
    sa.Column("active", sa.Boolean),
    sa.Column("as_of", sa.DateTime, nullable=False),
)

MODELS = sa.Table(
    "models",
    metadata,
    sa.Column("version", sa.String, primary_key=True),
    sa.Column("sha256", sa.String, nullable=False),
    sa.Column("folder", sa.String, nullable=False),
    sa.Column("mlflow_run_id", sa.String, nullable=False),
    sa.Column("trained_at", sa.DateTime, nullable=False),
    sa.Column("gate_passed", sa.Boolean, nullable=False),
    sa.Column("facts", sa.Text),
)

PROMOTIONS = sa.Table(
    "promotions",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("version", sa.String, sa.ForeignKey("models.version"), nullable=False),
    sa.Column("promoted_at", sa.DateTime, nullable=False),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("how", sa.String),
    sa.Column("promoted_by", sa.String),
    sa.Column("from_version", sa.String),
)

FORECASTS = sa.Table(
    "forecast",
    metadata,
    sa.Column("run_id", sa.String, sa.ForeignKey("runs.run_id"), primary_key=True),
    sa.Column("as_of", sa.DateTime, nullable=False),
    sa.Column("period_start", sa.Date, primary_key=True),
    sa.Column("period_end", sa.Date, nullable=False),
    sa.Column("level", sa.String, primary_key=True),
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("already_won", sa.Float, nullable=False),
    sa.Column("open_pipeline", sa.Float, nullable=False),
    sa.Column("new_business", sa.Float, nullable=False),
    sa.Column("mean", sa.Float, nullable=False),
    sa.Column("p10", sa.Float, nullable=False),
    sa.Column("p50", sa.Float, nullable=False),
    sa.Column("p90", sa.Float, nullable=False),
    sa.Column("quota", sa.Float),
    sa.Column("quota_probability", sa.Float),
    sa.Column("name", sa.String),
)

ADJUSTMENTS = sa.Table(
    "adjustments",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("made_at", sa.DateTime, nullable=False),
    sa.Column("as_of", sa.DateTime, nullable=False),
    sa.Column("period_start", sa.Date, nullable=False),
    sa.Column("period_end", sa.Date, nullable=False),
    sa.Column("level", sa.String, nullable=False),
    sa.Column("key", sa.String, nullable=False),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("amount", sa.Float, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("author", sa.String, nullable=False),
    sa.Column("run_id", sa.String, sa.ForeignKey("runs.run_id")),
    sa.Column("model_mean", sa.Float),
    sa.Column("model_p10", sa.Float),
    sa.Column("model_p90", sa.Float),
)

LIKE_DEALS = sa.Table(
    "like_deals",
    metadata,
    sa.Column("run_id", sa.String, sa.ForeignKey("runs.run_id"), primary_key=True),
    sa.Column("opportunity_id", sa.String, primary_key=True),
    sa.Column("like_deals", sa.Text, nullable=False),
)

FEEDBACK = sa.Table(
    "feedback",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("made_at", sa.DateTime, nullable=False),
    sa.Column("opportunity_id", sa.String, nullable=False),
    sa.Column("verdict", sa.String, nullable=False),
    sa.Column("side", sa.String),
    sa.Column("probability", sa.Float),
    sa.Column("until", sa.Date),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("author", sa.String, nullable=False),
    sa.Column("run_id", sa.String, sa.ForeignKey("runs.run_id"), nullable=False),
    sa.Column("as_of", sa.DateTime, nullable=False),
    sa.Column("scored_at", sa.DateTime, nullable=False),
    sa.Column("win_probability", sa.Float, nullable=False),
    sa.Column("model_version", sa.String, nullable=False),
    sa.Index("feedback_by_deal", "opportunity_id"),
)

TRIAL = sa.Table(
    "trial",
    metadata,
    sa.Column("trial_id", sa.String, primary_key=True),
    sa.Column("opportunity_id", sa.String, primary_key=True),
    sa.Column("seed", sa.String, nullable=False),
    sa.Column("share", sa.Float, nullable=False),
    sa.Column("unit_kind", sa.String, nullable=False),
    sa.Column("follow_days", sa.Integer, nullable=False),
    sa.Column("unit", sa.String, nullable=False),
    sa.Column("arm", sa.String, nullable=False),
    sa.Column("assigned_at", sa.DateTime, nullable=False),
    sa.Column("as_of", sa.DateTime, nullable=False),
    sa.Column("run_id", sa.String, sa.ForeignKey("runs.run_id"), nullable=False),
    sa.Column("model_version", sa.String, nullable=False),
    sa.Column("win_probability", sa.Float, nullable=False),
    sa.Column("amount", sa.Float),
    sa.Column("stage", sa.String),
    sa.Column("steps", sa.Integer, nullable=False),
)

WRITEBACKS = sa.Table(
    "writebacks",
    metadata,
    sa.Column("run_id", sa.String, primary_key=True),
    sa.Column("sink", sa.String, nullable=False),
    sa.Column("address", sa.String, nullable=False),
    sa.Column("plan", sa.String, nullable=False),
    sa.Column("scored_by", sa.String),
    sa.Column("undoes", sa.String, sa.ForeignKey("writebacks.run_id")),
    sa.Column("author", sa.String, nullable=False),
    sa.Column("started_at", sa.DateTime, nullable=False),
    sa.Column("finished_at", sa.DateTime),
    sa.Column("what", sa.String),
    sa.Index("writebacks_by_sink", "address", "started_at"),
)

WRITTEN = sa.Table(
    "written_records",
    metadata,
    sa.Column("run_id", sa.String, sa.ForeignKey("writebacks.run_id"), primary_key=True),
    sa.Column("opportunity_id", sa.String, key="record_id", primary_key=True),  # a task's key where it is of tasks
    sa.Column("held", sa.Text, nullable=False),
    sa.Column("put", sa.Text, nullable=False),
    sa.Column("progress", sa.String, nullable=False),
    sa.Column("said", sa.Text, nullable=False),
)

MESSAGES = sa.Table(
    "messages",
    metadata,
    sa.Column("user_id", sa.String, primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("channel", sa.String, nullable=False),
    sa.Column("place", sa.String, nullable=False),
    sa.Column("subject", sa.String, nullable=False),
    sa.Column("claimed_at", sa.DateTime, nullable=False),
    sa.Column("progress", sa.String, nullable=False),
    sa.Column("said", sa.Text, nullable=False),
    sa.Column("author", sa.String, nullable=False),
)

ACCOUNTS = sa.Table(
    "users",
    metadata,
    sa.Column("username", sa.String, primary_key=True),
    sa.Column("role", sa.String, nullable=False),
    sa.Column("user_id", sa.String),
    sa.Column("password_hash", sa.String),
    sa.Column("active", sa.Boolean, nullable=False),
    sa.Column("created_at", sa.DateTime, nullable=False),
    sa.Column("changed_at", sa.DateTime, nullable=False),
)

SESSIONS = sa.Table(
    "sessions",
    metadata,
    sa.Column("token_hash", sa.String, primary_key=True),
    sa.Column("username", sa.String, sa.ForeignKey("users.username"), nullable=False),
    sa.Column("began_at", sa.DateTime, nullable=False),
    sa.Column("seen_at", sa.DateTime, nullable=False),
    sa.Column("ends_at", sa.DateTime, nullable=False),
    sa.Index("sessions_by_user", "username"),
)

API_TOKENS = sa.Table(
    "api_tokens",
    metadata,
    sa.Column("token_hash", sa.String, primary_key=True),
    sa.Column("username", sa.String, sa.ForeignKey("users.username"), nullable=False),
    sa.Column("label", sa.String, nullable=False),
    sa.Column("made_at", sa.DateTime, nullable=False),
    sa.Column("ends_at", sa.DateTime),
    sa.Index("api_tokens_by_user", "username"),
)

AUDIT = sa.Table(
    "audit",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("at", sa.DateTime, nullable=False),
    sa.Column("username", sa.String, nullable=False),
    sa.Column("address", sa.String, nullable=False),
    sa.Column("action", sa.String, nullable=False),
    sa.Column("about", sa.String, nullable=False),
    sa.Index("audit_by_action", "action", "at"),
)

FORECAST_COLUMNS = tuple(column.name for column in FORECASTS.columns if column.name != "name")
"""The contract's columns; the store keeps what people call each key as well."""

SCORE_COLUMNS = tuple(column.name for column in SCORES.columns)
