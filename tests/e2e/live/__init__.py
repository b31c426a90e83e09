"""Live tests; a package, so that its servers stop after its last test: idle servers use half a core."""
