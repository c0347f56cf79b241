"""Import of customers (placeholder while the service is being written)."""
