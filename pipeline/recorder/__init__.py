"""Records a session from within a harness: what was written survives a kill, and is recovered."""
