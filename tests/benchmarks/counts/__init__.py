"""How many of the counts are right: what each monitor says of the ledger's plan of outcomes."""
