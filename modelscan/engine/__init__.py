"""Floor 5: rules over facts. Facts state what is there; only here is anything judged."""
