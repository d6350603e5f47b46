"""For notebooks: DuckDB views, Polars frames, and a DuckDB file of the views for other clients."""
