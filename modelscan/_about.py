"""Name and version: literals, because asking the installed metadata costs 36 ms at every start."""

NAME = "modelassay"
VERSION = "0.1.0"
