"""What the commands of `core/cli.py` do once their arguments are understood."""
