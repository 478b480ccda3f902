"""Microsoft.Resources: tenants, subscriptions, resource groups, and the providers there are."""
