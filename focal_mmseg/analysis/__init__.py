"""What measurements of clusterings share; nothing that a model runs."""
