"""A hook of MkDocs: links from the documentation to other files of the repository.

In the repository such a link is relative (``../CONTRIBUTING.md``); the site has no such page, so
there it leads to the file on the platform that ``repo_url`` names.
"""

from __future__ import annotations

import posixpath
import re
from typing import Any

_LINK = re.compile(r"(?<=\]\()(?!\w+:|#|/)([^)#\s]+)")


def on_page_markdown(markdown: str, *, page: Any, config: Any, **_: Any) -> str:
    """Return the text of *page* with links that work on the site."""
    folder = posixpath.dirname(page.file.src_uri)

    def target(link: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join("docs", folder, link[1]))
        inside = path.startswith("docs/")
        return link[1] if inside else f"{config['repo_url']}/blob/main/{path}"

    return _LINK.sub(target, markdown)
