"""The ledger: a plan of attempts is run on real workers, and Prometheus must show exactly that plan."""
