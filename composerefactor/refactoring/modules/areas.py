"""What an application is about, by the words of its name: the areas that owners keep in one file.

The words are those that services have in public Compose files. They decide only where an owner says
nothing about a long list of applications: without them its parts would be ranges of the alphabet.
A service whose name has no such word is in no area.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

FRONTENDS = "frontends"
"""The area of what people see in a browser. ``admin-api`` does not belong to it."""

_AREAS = {
    "downloads": "aria2 autobrr deluge gluetun jdownloader metube nzbget qbit qbittorrent rtorrent "
    "rutorrent sabnzbd torrent transmission",
    "arr": "bazarr cleanuparr flaresolverr jackett lidarr mylar nzbhydra nzbhydra2 prefetcharr "
    "prowlarr radarr readarr recyclarr sonarr unpackerr whisparr",
    "media": "audiobookshelf emby immich jellyfin jellyseerr kavita komga navidrome ombi overseerr "
    "photoprism plex seerr tautulli tdarr wizarr",
    "mail": "antispam antivirus clamav clamd dovecot imap mailserver olefy postfix rainloop "
    "roundcube rspamd smtp sogo webmail",
    "identity": "account auth authentication authorization iam identity login member oauth "
    "permission profile role session sso tenant user",
    "payments": "bank billing card currency donation exchange invoice invoicing ledger payment "
    "pricing subscription transaction transfer treasury wallet",
    "accounting": "accounting ap ar budget consolidation expense finance gl tax",
    "orders": "basket cart checkout coupon delivery discount fulfillment order ordering promotion "
    "quote shipment shipping",
    "catalog": "catalog catalogue category product rating recommendation review",
    "inventory": "bom inventory procurement purchase stock supplier warehouse",
    "staff": "attendance employee hr leave payroll timekeeping workforce",
    "messaging": "chat conversation email mail mailer message messaging notification notifier push "
    "realtime sms",
    "support": "complaint faq feedback helpdesk support ticket ticketing",
    "analytics": "analysis analytics audit insight report reporting statistics stats tracking",
    "ai": "agent ai embedding inference llm ml model nlp rag",
    "content": "article asset blog cms comment content document feed file image media news post "
    "storage upload video",
    "workers": "batch beat cron job migrate migration migrator processor queue scheduler worker",
    FRONTENDS: "admin client dashboard frontend landing marketing portal site storefront ui web "
    "webapp website",
}
"""The words of each area. If a name has words of two areas, the earlier word counts."""

_AREA_OF = {word: area for area, words in _AREAS.items() for word in words.split()}


def area_of(name: str, image: str = "") -> str:
    """Return the area of the service *name*, from its name or *image*; ``""`` if neither says it.

    ``payment-service``, ``payments_api`` and ``paymentservice`` are all in ``payments``.
    """
    repository = image.rpartition("/")[2].partition("@")[0].partition(":")[0]
    area = next((_AREA_OF[word] for text in (name, repository) for word in _words(text)), "")
    return "" if area == FRONTENDS and name.endswith(("service", "api")) else area


def _words(text: str) -> Iterator[str]:
    """Yield the words of *text* that say an area, in the singular."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", text)
    for word in re.split(r"[^a-z0-9]+", spaced.lower()):
        plain = word.removesuffix("service").removesuffix("server")
        yield from [each for each in (word, plain, plain.removesuffix("s")) if each in _AREA_OF][:1]
