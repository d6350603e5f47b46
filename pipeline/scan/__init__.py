"""A scan: what a source holds, planned without reading rows, and its rows in order, checked on the way."""
