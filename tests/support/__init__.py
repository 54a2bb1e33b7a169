"""What several test files use: generators of YAML text and of Compose projects."""
