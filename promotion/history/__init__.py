"""What the record tells of the past: who served, what was measured, what another policy would have decided. Pure."""
