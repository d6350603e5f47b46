"""Which sessions, rows and columns of a scan are wanted, and what of their records is hidden."""
