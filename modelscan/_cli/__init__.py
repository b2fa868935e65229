"""Floor 9: the command line. One module for each command; errors become exit codes in `main`."""
