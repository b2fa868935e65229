"""In-toto statements about the models of a report: what a gate elsewhere can rely on."""
