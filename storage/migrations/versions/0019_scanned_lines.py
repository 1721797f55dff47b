"""what OCR read off pages, and where it stands on them

Revision ID: 0019
Revises: 0018
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("pages", sa.Column("scanned", sa.JSON(), nullable=True))


def downgrade() -> None:
    op.drop_column("pages", "scanned")
