"""``python -m composerefactor``."""

from composerefactor.cli.main import main

main()
