"""How a project is started: from commands in its files, from names, or as the user says."""
