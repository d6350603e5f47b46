"""Charts of exact figures, and the page that shows them beside verdicts, sessions and where they come from."""
