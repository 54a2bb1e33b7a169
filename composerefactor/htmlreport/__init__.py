"""The analysis as one HTML file: pictures and tables, without network access."""
