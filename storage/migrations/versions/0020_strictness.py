"""a corpus's own threshold for refusing, and how answerable each question of an evaluation seemed

Revision ID: 0020
Revises: 0019
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("assistants", sa.Column("refuse_below", sa.Double(), nullable=True))
    op.add_column("evaluation_answers", sa.Column("answerability", sa.Double(), nullable=True))


def downgrade() -> None:
    op.drop_column("evaluation_answers", "answerability")
    op.drop_column("assistants", "refuse_below")
