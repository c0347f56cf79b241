"""Lists as files: what each kind of list gives out, how a file is written, and the permission, reason and log of every export."""
