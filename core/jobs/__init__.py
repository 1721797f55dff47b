"""Queued work: kinds, the runner that claims and finishes them, and the executors that carry them out."""
