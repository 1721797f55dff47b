"""chunk edits: what people made of the words of chunks

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "chunk_edits",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("corpus_id", sa.Integer(), nullable=False),
        sa.Column("document_name", sa.Text(), nullable=False),
        sa.Column("page", sa.Integer(), nullable=False),
        sa.Column("start", sa.Integer(), nullable=False),
        sa.Column("end", sa.Integer(), nullable=False),
        sa.Column("original", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("off", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["corpus_id"], ["corpora.id"], name=op.f("fk_chunk_edits_corpus_id_corpora"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chunk_edits")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_chunk_edits_corpus_id"), "chunk_edits", ["corpus_id"], unique=False)
    op.create_index(op.f("ix_chunk_edits_document_name"), "chunk_edits", ["document_name"], unique=False)
    op.add_column("chunks", sa.Column("edited", sa.Text(), nullable=True))
    op.add_column("chunks", sa.Column("switched_off", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("chunks", sa.Column("unfed", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index(op.f("ix_chunks_unfed"), "chunks", ["unfed"], unique=False)
    op.add_column("message_citations", sa.Column("edited", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    op.drop_column("message_citations", "edited")
    op.drop_index(op.f("ix_chunks_unfed"), "chunks")
    for name in ("unfed", "switched_off", "edited"):
        op.drop_column("chunks", name)
    op.drop_table("chunk_edits")
