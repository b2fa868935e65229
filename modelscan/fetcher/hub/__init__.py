"""A Hugging Face hub, or a mirror of one, asked through its own client library."""
