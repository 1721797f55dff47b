"""PDF, read with PDFium: glyph boxes -> lines -> columns -> tables and paragraphs."""
