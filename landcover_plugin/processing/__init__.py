"""The Toolbox: thin algorithms on the core."""
