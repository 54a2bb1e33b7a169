"""Who talks to whom: what the services of one way to start a project need from each other."""
