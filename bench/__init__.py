"""Measurements: `make bench`. Each figure stands beside a peer's from the same run, because machines differ."""
