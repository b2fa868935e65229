"""Relators: what holds between the files of a repository, once each of them has been read."""
