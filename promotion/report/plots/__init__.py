"""Numbers in, pictures out: plots as SVG in the page's own colours, and in words for who cannot see them."""
