"""answers that are taken over, and what is measured beside the answers

Revision ID: 0016
Revises: 0015
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("evaluations", sa.Column("options", sa.JSON(), nullable=False, server_default="{}"))
    op.add_column("evaluation_answers", sa.Column("fingerprint", sa.Text(), nullable=False, server_default=""))
    op.add_column("evaluation_answers", sa.Column("taken_from", sa.Integer(), nullable=True))
    op.create_index(op.f("ix_evaluation_answers_fingerprint"), "evaluation_answers", ["fingerprint"], unique=False)
    op.create_table(
        "evaluation_findings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("evaluation_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["evaluation_id"],
            ["evaluations.id"],
            name=op.f("fk_evaluation_findings_evaluation_id_evaluations"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evaluation_findings")),
        sa.UniqueConstraint("evaluation_id", "kind", "key", name=op.f("uq_evaluation_findings_evaluation_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_evaluation_findings_evaluation_id"), "evaluation_findings", ["evaluation_id"], unique=False
    )


def downgrade() -> None:
    op.drop_table("evaluation_findings")
    op.drop_index(op.f("ix_evaluation_answers_fingerprint"), "evaluation_answers")
    op.drop_column("evaluation_answers", "taken_from")
    op.drop_column("evaluation_answers", "fingerprint")
    op.drop_column("evaluations", "options")
