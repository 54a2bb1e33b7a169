"""A divided project as one file for each way in which it is started."""
