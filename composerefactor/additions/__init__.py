"""Where an attribute that services lack is written, and whom that reaches."""
