"""Targets that sessions have to meet, and the verdicts on them; docs/targets.md defines each."""
