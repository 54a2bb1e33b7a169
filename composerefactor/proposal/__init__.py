"""From a directory to a proposal: what a transform would do, proved, before anything is written."""
