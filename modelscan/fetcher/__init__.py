"""Floor 2: bytes in. Each source turns a reference into a snapshot of files to open."""
