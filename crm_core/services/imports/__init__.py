"""Importing customers from files: reading a table, mapping its columns, checking its rows, writing them."""
