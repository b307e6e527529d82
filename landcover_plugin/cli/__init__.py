"""The command ``landcover``: a thin door on the core."""
