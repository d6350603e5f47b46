"""A store: a directory of sessions, each complete or not there."""
