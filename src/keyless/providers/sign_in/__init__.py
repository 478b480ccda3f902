"""`Keyless.SignIn`: links that sign people in to a browser, and the end of their sign-ins."""
