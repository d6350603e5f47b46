"""Sources that are not a store: files and databases, read batch by batch."""
