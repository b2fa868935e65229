"""What the source of an installed library says about the names on the list of pickles."""
