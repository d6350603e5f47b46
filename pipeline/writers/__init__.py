"""One writer per format, each consumes a reader into an open binary file, schema first, and nothing wider."""
