"""Shared by all rooms: errors, extras, atomic writes, checksums, URLs, YAML, quiet native code, parallel work."""
