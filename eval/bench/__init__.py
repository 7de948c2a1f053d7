"""Benchmarks: each prints JSON and a table, and compares two things in one run."""
