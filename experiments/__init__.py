"""Programs and their gin files."""
