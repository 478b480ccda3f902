"""The web pages for people: where they sign in, and out."""
