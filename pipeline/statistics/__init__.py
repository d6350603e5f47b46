"""Statistics of groups of rows; docs/statistics.md defines each figure."""
