"""Documents in JSON and YAML that name what their loader is to import, call or construct."""
