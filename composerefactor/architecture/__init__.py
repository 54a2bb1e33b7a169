"""What a project is made of, as facts: services, ports, volumes, networks, variables, builds."""
