"""Keeping up: a corpus follows a folder or a list of web addresses."""
