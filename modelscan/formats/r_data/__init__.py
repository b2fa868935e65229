"""R's own serialisation, `.rds` and `.RData`: what is evaluated when a value is looked at."""
