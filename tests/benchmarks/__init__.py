"""What autogenerate costs, beside the other tools: ``make bench``."""
