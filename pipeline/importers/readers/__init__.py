"""Readers of files that SQL cannot read: binaries, XML and encoded histograms, a file each."""
