"""SPDX 3.0.1 documents (JSON-LD) with the AI and Dataset profiles."""
