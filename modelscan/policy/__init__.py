"""Floor 6: what is allowed here. The scanned model configures nothing of it."""
