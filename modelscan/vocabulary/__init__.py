"""Floor 1: the frozen types that every floor above speaks in. No I/O happens here."""
