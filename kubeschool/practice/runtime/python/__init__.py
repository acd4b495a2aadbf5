"""A small Python for the python image: it walks the syntax tree itself, so that no code from a container is ever run by the Python that
runs the cluster. What it lacks is in docs/what-is-simulated.md."""
