"""Columns of numbers, packed."""
