"""A variable for the browser contains the name of a container.

The values of `VITE_`, `NEXT_PUBLIC_` and `REACT_APP_` variables are part of what the browser loads.
The browser is outside of the networks of Docker: it needs an address that is published.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.facts.builds import BROWSER_PREFIXES
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.compose.hosts import urls


@rule(Severity.MEDIUM, "configuration")
def container_name_in_browser(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the variables for the browser with a URL that leads to a service."""
    for entry in architecture.entries:
        for service in entry.model.services.values():
            variables = {**service.environment, **service.build_arguments}
            for name, variable in variables.items():
                for url in urls(variable.value or "") if name.startswith(BROWSER_PREFIXES) else ():
                    callee = entry.hosts.service(service.name, url.hosts[0][0])
                    if callee is not None:
                        yield Occurrence(
                            f"{name} of {service.name} contains {url.scheme}://{url.hosts[0][0]}, "
                            f"which a browser cannot resolve",
                            variable.location,
                            service.name,
                            name,
                            f"use the address at which users reach {callee}",
                        )
