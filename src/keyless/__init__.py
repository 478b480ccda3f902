"""keyless: managed identity for any machine. What an application imports."""
