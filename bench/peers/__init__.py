"""Servers to compare with, one a file, found by their place."""
