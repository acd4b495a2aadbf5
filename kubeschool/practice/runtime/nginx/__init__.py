"""nginx: a web server that serves the simulated network from a container's files."""
