"""Metrics (pure), and what is made of them."""
