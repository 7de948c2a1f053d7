"""Evaluation sets that ship with the project, and the sample library they ask about."""
