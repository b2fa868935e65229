"""Pickles: opcodes → machine → reader. Nothing is unpickled, and `pickle` is never imported."""
