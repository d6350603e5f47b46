"""Sources: whatever a user names, files in their formats among them, becomes a scan."""
