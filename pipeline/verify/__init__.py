"""Verification of a package: its manifests, then its rows, read back by other readers than wrote them."""
