"""From a question to passages: words and meaning, fused, restricted to one corpus."""
