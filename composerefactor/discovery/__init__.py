"""How a project is started: start commands from its scripts, CI files, documents and file names.

============= ================================================================================
files         the files of a project, the default file of a directory, facts on them
script        lines that one shell runs, values of variables, text that knows its offsets
command_files which files contain commands: scripts, Markdown, Makefiles, comments of Compose files
structured    commands in YAML and JSON: CI files, Taskfiles, package.json, dev containers
shell         from a script to its calls of Compose, with working directory and variables
resolve       from a call of Compose to the files of the project that it means
guess         start commands that only names and contents of Compose files suggest
readers       other programs that read the Compose files, Docker Swarm among them
find          all of it together, and start commands from command-line options
============= ================================================================================
"""
