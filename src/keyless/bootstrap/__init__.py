"""The only place that builds objects and picks back ends: the first start, the server, its run."""
