"""chunks of more than one cut of a document, and the blocks that cuts are made of

Revision ID: 0018
Revises: 0017
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

UNIQUE = "uq_chunks_document_id"
NEXT_ID = "SELECT seq FROM sqlite_sequence WHERE name = 'chunks'"


def upgrade() -> None:
    op.add_column("pages", sa.Column("blocks", sa.JSON(), nullable=True))
    op.add_column("indexes", sa.Column("cut", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("chunks", sa.Column("cut", sa.Integer(), nullable=False, server_default="0"))
    _unique(["document_id", "cut", "ordinal"])


def downgrade() -> None:
    op.execute("DELETE FROM chunks WHERE cut <> 0")
    _unique(["document_id", "ordinal"])
    op.drop_column("chunks", "cut")
    op.drop_column("indexes", "cut")
    op.drop_column("pages", "blocks")


def _unique(columns: list[str]) -> None:
    """SQLite rebuilds the table for it, with foreign keys off (`Database.open`), and must not give an id twice."""
    connection = op.get_bind()
    sqlite = connection.dialect.name == "sqlite"
    highest = connection.execute(sa.text(NEXT_ID)).scalar() if sqlite else None
    with op.batch_alter_table("chunks", table_kwargs={"sqlite_autoincrement": True}) as batch:
        batch.drop_constraint(UNIQUE, type_="unique")
        batch.create_unique_constraint(UNIQUE, columns)
    if highest is not None:
        connection.execute(sa.text("DELETE FROM sqlite_sequence WHERE name = 'chunks'"))
        connection.execute(sa.text("INSERT INTO sqlite_sequence (name, seq) VALUES ('chunks', :seq)"), {"seq": highest})
