"""`mien drift`: are new faces like those of a reference? What is measured of faces, and how two sets are compared."""
