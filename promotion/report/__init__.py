"""Reports: turns values into pages, and renders them for terminal, Markdown, HTML and data files."""
