"""A package, so that its servers end with its last test: idle ones take half of a core."""
