"""Pages for a browser: one HTML file each, without a server and without a network."""
