"""Signed statements that are no model signature: over single files, over builds, over scans."""
