"""A service needs another one that it cannot reach.

Two containers reach each other only if they share a network: a connection fails with "could not
resolve host". A service without `networks` is on the network `default`.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture, InvocationFacts
from composerefactor.analysis.facts.networks import Edge
from composerefactor.analysis.findings import Occurrence, Severity, rule


@rule(Severity.HIGH, "configuration", transform="join-networks")
def no_shared_network(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the connections between services that share no network."""
    for entry in architecture.certain:
        addressed = {
            (each.caller, entry.hosts.service(each.caller, each.mention.host))
            for each in entry.mentions
            if not each.is_shared
        }
        for edge in entry.edges:
            callee = entry.service(edge.callee)
            if callee is None or entry.may_reach(edge.caller, edge.callee):
                continue
            if (edge.caller, edge.callee) in addressed or _routes(entry, edge):
                network = (callee.networks or ("",))[0]
                yield Occurrence(
                    f"{edge.caller} needs {edge.callee}, but shares no network with it",
                    edge.location,
                    edge.caller,
                    edge.callee,
                    f"add the network {network} to {edge.caller}",
                )


def _routes(entry: InvocationFacts, edge: Edge) -> bool:
    """Return whether a label, a link or a proxy leads to the callee.

    `depends_on` of another service may be only the order of the start.
    """
    caller = entry.service(edge.caller)
    is_proxy = caller is not None and caller.category == "proxy" and bool(caller.ports)
    return not {"label", "links"}.isdisjoint(edge.kinds) or (
        is_proxy and edge.condition == "service_started"
    )
