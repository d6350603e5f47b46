"""Batches of rows: made to conform, held against the rules, cut, digested and summed up as they pass."""
