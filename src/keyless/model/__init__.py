"""Nouns and rules of the field. Owns no I/O and imports the standard library only."""
