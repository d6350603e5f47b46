"""Scheduled jobs: what of a store is new or changed is published, period by period, and why is said."""
