"""Floor 7: reports. One writer a format; writers know the vocabulary and nothing above it."""
