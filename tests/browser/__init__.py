"""Browser tests; a package, so that its fixtures last as long as its tests."""
