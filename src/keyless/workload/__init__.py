"""Where workloads ask for tokens: instances, their leases, and one file per host shape."""
