"""What lies here for others to run is no test of ours."""

collect_ignore = ["sqlalchemy_suite", "django_project"]
