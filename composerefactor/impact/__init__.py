"""What the difference between two resolved models means for what runs; models in, changes out."""
