"""How a project is started: the commands in its scripts, CI files and documents."""
