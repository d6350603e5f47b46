"""An export: its options, the data path from a source to a published package, and what it did."""
