"""Readers: given a question and its passages, mark the spans that answer it."""
