"""The evidence folder: what a scan established, laid out for people who were not there."""
