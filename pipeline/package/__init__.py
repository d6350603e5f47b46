"""The package that an export publishes: its layout, the names of its files, its descriptor, made and read."""
