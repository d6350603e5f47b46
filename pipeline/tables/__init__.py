"""The tables of a package: which rows each of their files takes, and what is known of it when it is written."""
