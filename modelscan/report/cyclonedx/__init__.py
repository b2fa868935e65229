"""CycloneDX 1.6 and 1.7 documents (ECMA-424): a bill of materials of the models in a report."""
