"""The data model: columns, sessions, times, and what each column means."""
