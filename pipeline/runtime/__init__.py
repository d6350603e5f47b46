"""What the program runs on: threads, signals, DuckDB connections."""
