"""Redis for the redis image: server, command line, its protocol and its files. What it lacks is in docs/what-is-simulated.md."""
