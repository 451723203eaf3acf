"""`mien drift`: measures faces, and tells whether new faces resemble those of a reference."""
