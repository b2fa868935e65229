"""Floor 2: bytes to facts. Nothing here loads a model, imports its code, or opens a socket."""
