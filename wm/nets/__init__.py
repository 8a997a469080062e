"""Maps without a carry."""
