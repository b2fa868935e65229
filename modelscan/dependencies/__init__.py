"""Floor 7: models as dependencies: what was agreed, what changed, who has it."""
