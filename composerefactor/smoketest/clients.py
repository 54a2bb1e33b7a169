"""The clients by which data stores are asked, from stores.yml."""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from functools import cache
from typing import Any

from msgspec import Struct

from composerefactor.source import Source
from composerefactor.yamltree.build import parse
from composerefactor.yamltree.values import to_python

_FILE = "stores.yml"


class Client(Struct, frozen=True):
    """The program *name* in an image; *script* is shell text that runs there.

    It writes or reads, as the variable ``DO`` says.
    """

    name: str
    script: str


def client_for(store: str) -> Client | None:
    """Return how the store with the catalogue's id *store* is asked; None where nobody knows."""
    return clients().get(store)


@cache
def clients() -> dict[str, Client]:
    """Return every known client, by the catalogue's ids of the stores."""
    data = pkgutil.get_data(__package__ or "", _FILE)
    source = Source.decode(_FILE, data or b"")
    values: Any = to_python(parse(source).root, source)  # type: ignore[arg-type]
    return {
        store: Client(each["name"], _script(values["common"], each))
        for each in values["clients"]
        for store in each["stores"]
    }


def _script(common: str, client: Mapping[str, str]) -> str:
    parts = ["set -e", common, client.get("login", "")]
    parts += [
        "case $DO in",
        f"write)\n{client['write']}",
        ";;",
        f"read)\n{client['read']}",
        ";;",
        "esac",
    ]
    return "\n".join(part.strip("\n") for part in parts if part) + "\n"
