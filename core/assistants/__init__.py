"""The one answering path: retrieve, prompt, generate, cite, store."""
