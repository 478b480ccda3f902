"""What the authority holds about people: their sign-ins at clients, their browsers, and the links that sign them in."""
