"""Where things live: rows, full text, vectors and files. Imports neither core nor dashboard."""
