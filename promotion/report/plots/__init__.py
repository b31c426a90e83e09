"""Plots as SVG in the page's own colours, with alt text."""
