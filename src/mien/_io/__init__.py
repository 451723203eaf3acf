"""Shared by all rooms: errors, extras, atomic writes, checksums, URLs, YAML, silence of native code, parallel work."""
