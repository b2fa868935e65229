"""modelassay's import package.

Nothing of ours imports from here: another distribution on the package index installs a package of
the same name, and both must survive beside each other. Public functions live in `modelscan.api`.
"""
