"""SARIF 2.1.0 logs (OASIS), made for GitHub code scanning."""
