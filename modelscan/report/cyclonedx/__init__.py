"""CycloneDX 1.6 documents (ECMA-424): a bill of materials of the models in a report."""
