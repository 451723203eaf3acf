"""Reads and writes picture files of all kinds."""
