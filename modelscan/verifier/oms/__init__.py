"""OpenSSF Model Signing: bundles, their statements, and the methods that authenticate them."""
