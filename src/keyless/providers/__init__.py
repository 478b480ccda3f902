"""One folder per resource provider: its resource types, data actions and data plane. They never import each other."""
