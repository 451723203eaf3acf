"""What every room stands on: errors, files written whole, checksums, addresses, YAML, parallel work."""
