"""The resource manager: one generic engine for every resource type. A type is a small declaration."""
