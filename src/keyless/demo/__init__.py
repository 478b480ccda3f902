"""Programs as a user would write them, for `keyless demo`. They know nothing of keyless: nothing of it is imported."""
