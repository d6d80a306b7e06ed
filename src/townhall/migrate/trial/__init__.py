"""The trial of a revision: what is going to be written is run, up and down, and rolled back."""
