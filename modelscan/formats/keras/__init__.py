"""Keras: what the configuration of a model makes its loader run, import or read."""
