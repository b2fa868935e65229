"""Floor 4: from weights to the relation with a base."""
