"""panels of a comparison that another adapter or base model answers

Revision ID: 0015
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("conversations", sa.Column("variant", sa.Text(), nullable=False, server_default=""))
    op.add_column("conversations", sa.Column("variant_name", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("conversations", "variant_name")
    op.drop_column("conversations", "variant")
