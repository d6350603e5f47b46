"""Import: files of harnesses, each an SQL file in harnesses/, and files of measurements, into a store."""
