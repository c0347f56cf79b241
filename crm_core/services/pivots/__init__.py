"""透视分析: counts and amounts of one subject by any two of its dimensions, computed by the database within scope and permissions."""
