"""What is recorded: entries, chained by their hashes, and the state that they add up to. Pure."""
