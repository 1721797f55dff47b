"""From a file to searchable rows: parse (in a sandboxed child), chunk, embed, index."""
