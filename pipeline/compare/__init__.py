"""Comparisons of sessions with others: which figures differ; docs/comparing.md defines each word."""
