"""when the adapters of a corpus are trained again by themselves

Revision ID: 0017
Revises: 0014
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("retrain_days", "retrain_share"):
        op.add_column("assistants", sa.Column(name, sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    for name in ("retrain_share", "retrain_days"):
        op.drop_column("assistants", name)
