"""Whether a command of a service starts the server that its image is made for."""

from __future__ import annotations

import re

from composerefactor.catalog.facts import CatalogEntry
from composerefactor.patterns import regex

_SHELLS = frozenset({"sh", "bash", "ash", "dash", "zsh"})
_VERBS = frozenset(
    {
        *("server", "serve", "start", "start-dev", "run", "agent", "standalone", "gateway", "web"),
        *("start-single-node", "all-in-one", "daemon", "mongod", "mongos", "kc.sh", "tini"),
    }
)
_TASKS = regex(
    r"""(?<![\w.])(?:
        pg_dump(?:all)?|pg_basebackup|pg_restore|psql|mongodump|mongorestore|mongosh|mysqldump
        |mariadb-dump|redis-cli|valkey-cli|crond?|curl|rs\.initiate|kafka-topics(?:\.sh)?
        |tail\s+-[fF]|sleep\s+(?:inf|\d{4,})
    )(?![\w.])|backup|init-""",
    re.VERBOSE,
)


def starts_server(entry: CatalogEntry, command: tuple[str, ...]) -> bool:
    """Return whether *command*, the words of entrypoint and command, start the server of *entry*.

    No command is the image's own, and options alone are options of the server. A shell's text must
    name the server, and none of the tools for backups and initialisation.
    """
    if not command:
        return True
    first = command[0].rpartition("/")[2]
    text = " ".join(command)
    if command[0].startswith("-") or first in _VERBS or "entrypoint" in first:
        return True
    if _TASKS.search(text):
        return False
    names = {entry.id.split("-")[0], *(n.rpartition("/")[2].split("-")[0] for n in entry.names)}
    if first in _SHELLS:
        return any(name in text for name in names)
    programs = [word.rpartition("/")[2] for word in command]
    return any(name in program for name in names for program in programs) or any(
        word in variant.when.command for variant in entry.variants for word in command
    )
