"""What is so, and who made it so: ledger, state, transitions, the registry that judges and moves, its audit."""
