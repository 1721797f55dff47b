"""comparisons: one question in several modes, and the vote on it

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "comparisons",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("corpus_id", sa.Integer(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("blind", sa.Boolean(), nullable=False),
        sa.Column("choice", sa.Text(), nullable=False),
        sa.Column("voted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["corpus_id"], ["corpora.id"], name=op.f("fk_comparisons_corpus_id_corpora"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comparisons")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_comparisons_corpus_id"), "comparisons", ["corpus_id"], unique=False)
    # A column without a foreign key: SQLite would rebuild the table for one, and take what refers to it along.
    op.add_column("conversations", sa.Column("comparison_id", sa.Integer(), nullable=True))
    op.create_index(op.f("ix_conversations_comparison_id"), "conversations", ["comparison_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_conversations_comparison_id"), "conversations")
    op.drop_column("conversations", "comparison_id")
    op.drop_table("comparisons")
