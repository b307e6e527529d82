"""Networks behind HTTP: the worker process, and what grows into ``landcover serve``."""
