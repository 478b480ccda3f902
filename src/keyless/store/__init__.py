"""What all persistence shares. A provider owns its own tables and queries."""
