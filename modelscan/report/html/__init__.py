"""Format `html`: one self-contained page, a module for each part of it."""
