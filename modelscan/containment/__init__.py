"""Containment: if the model were compromised, what could happen? Deployments are read, never run.

Above pipeline and report, below api. Stands beside `dependencies`, and neither imports the other.
"""
