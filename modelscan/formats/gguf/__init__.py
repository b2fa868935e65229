"""GGUF: cursor → metadata → tensors → reader. No tensor is decoded, and no token list is built."""
