"""Importers of harness files: one SQL file per harness and shape of file, and what runs them."""
