"""How a Compose file is divided into modules that ``include`` puts together again."""
