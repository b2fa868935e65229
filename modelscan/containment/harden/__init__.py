"""Turns what was found into overlays: the same deployments, contained.

A hardened copy is made first, as plain data; what differs from the original becomes the overlay.
"""
