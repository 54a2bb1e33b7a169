"""A service accepts connections without a login.

That is fine on a developer's machine, so files for development and tests are left out. Anywhere
else, everybody who reaches the port can use the service.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture, InvocationFacts
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.compose.definitions import text_of
from composerefactor.compose.interpolation import expand

_YES = "true|yes|1|on"
_OFF = {
    "POSTGRES_HOST_AUTH_METHOD": "trust",
    "MYSQL_ALLOW_EMPTY_PASSWORD": _YES,
    "MYSQL_ALLOW_EMPTY_ROOT_PASSWORD": _YES,
    "MARIADB_ALLOW_EMPTY_ROOT_PASSWORD": _YES,
    "ALLOW_EMPTY_PASSWORD": _YES,
    "ALLOW_ANONYMOUS_LOGIN": _YES,
    "xpack.security.enabled": "false",
    "DISABLE_SECURITY_PLUGIN": _YES,
    "GF_AUTH_ANONYMOUS_ENABLED": _YES,
    "AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED": _YES,
}
"""Variables of well-known images, and patterns of the values that disable the login."""
_BITNAMI = frozenset({"ALLOW_EMPTY_PASSWORD", "ALLOW_ANONYMOUS_LOGIN"})
"""Variables that only the images of Bitnami read."""


@rule(Severity.MEDIUM, "security")
def login_switched_off(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the settings that disable a login."""
    for entry in architecture.entries:
        for service in entry.model.services.values():
            for name, setting in service.settings.items():
                pattern = _OFF.get(name)
                value = expand(setting.value or "", entry.model.variables).strip("\"'").lower()
                image = text_of(service.image)
                is_unknown = entry.catalog.match(image) is None
                is_read = name not in _BITNAMI or "bitnami" in image or is_unknown
                is_fine = not is_read or architecture.is_short_lived(setting.location.path)
                if pattern and not is_fine and re.fullmatch(pattern, value):
                    yield Occurrence(
                        f"{service.name} requires no login ({name})",
                        setting.location,
                        service.name,
                        name,
                        "set a password",
                        None if _is_open(entry, service.name) else Severity.LOW,
                    )


def _is_open(entry: InvocationFacts, name: str) -> bool:
    """Return whether service *name* publishes a port on all addresses."""
    return any(port.is_open for port in entry.ports if port.service == name)
