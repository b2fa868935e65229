"""The controls, one function each, in one table (`table.CONTROLS`)."""
