"""Uses a password from its environment, as a program does whose database takes no tokens."""

import hashlib
import os

print("setting sha256", hashlib.sha256(os.environ["DB_PASSWORD"].encode()).hexdigest())
