"""The topology as a Mermaid flowchart, which GitHub and GitLab draw."""

from __future__ import annotations

from composerefactor.architecture.architecture import Architecture


def topology_mermaid(architecture: Architecture) -> str:
    """Return a flowchart of the main entry point: networks as groups, who needs whom."""
    main = architecture.main
    if main is None:
        return "flowchart LR\n"
    numbers = {service.name: f"s{n}" for n, service in enumerate(main.services)}
    lines = ["flowchart LR"]
    placed: set[str] = set()
    for n, network in enumerate(main.networks):
        members = [name for name in network.members if name not in placed]
        if members:
            lines.append(f'  subgraph n{n}["{_label(network.name)}"]')
            lines += [f'    {numbers[name]}["{_label(name)}"]' for name in members]
            lines.append("  end")
            placed.update(members)
    lines += [
        f'  {numbers[s.name]}["{_label(s.name)}"]' for s in main.services if s.name not in placed
    ]
    for edge in main.edges:
        arrow = "-->" if edge.is_declared else "-.->"
        lines.append(f"  {numbers[edge.caller]} {arrow} {numbers[edge.callee]}")
    for service in main.services:
        ports = dict.fromkeys(p.published or p.target for p in service.ports)
        if ports:
            lines.append(
                f'  outside(("host")) -->|"{_label(", ".join(ports))}"| {numbers[service.name]}'
            )
    return "\n".join(lines) + "\n"


def _label(text: str) -> str:
    return text.replace("&", "#amp;").replace('"', "#quot;").replace("<", "#lt;")
