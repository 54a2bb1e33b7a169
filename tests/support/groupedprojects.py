"""Compose projects as their owners group them: banners, shared blocks, profiles, variants."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import strategies as st

ROOT, VARIANT = "docker-compose.yml", "docker-compose.dev.yml"
SECTIONS = {
    "DATA": ("postgres", "redis", "minio", "search"),
    "Applications": ("api", "jobs", "scheduler", "site"),
    "Monitoring (on call)": ("prometheus", "grafana", "loki", "alerts"),
    "Mail": ("smtp", "inbox", "letters", "bounces"),
}
HEAD = """\
# The stack of the {kind} environment

x-app: &app
  image: registry.example.com/app:1
  restart: always
  init: true
  # asked by the proxy
  stop_grace_period: 30s

x-logging: &logging
  driver: json-file
  options:
    max-size: "10m" # small disk
    max-file: "3"
"""


def _banner(draw: st.DrawFn, title: str, style: str) -> Iterator[str]:
    """Yield the lines of a banner, maybe with a note below it."""
    rule = {"box": "# ==========", "line": "", "end": ""}[style]
    text = {"box": f"# {title}", "line": f"# ---- {title} ----", "end": f"#### {title} ####"}
    yield from filter(None, (rule, text[style], rule))
    if draw(st.booleans()):
        yield from ("", f"# note on {title.lower()}")


def _service(draw: st.DrawFn, name: str, earlier: list[str]) -> Iterator[str]:
    """Yield the lines of a service, not indented."""
    if draw(st.booleans()):
        yield f"# about {name}"
    yield f"{name}:"
    merges = draw(st.booleans())
    yield "  <<: *app" if merges else f"  image: registry.example.com/{name}:1"
    yield f"  command: run {name} # as root"
    yield "  environment:"
    yield from (f"    {name.upper()}_{n}: value-{n}" for n in range(draw(st.integers(1, 9))))
    if draw(st.booleans()) and earlier:
        yield f"    OTHER_URL: http://{draw(st.sampled_from(earlier))}:80/"
    if draw(st.booleans()):
        yield "  logging: *logging"
    if draw(st.booleans()):
        yield f"  volumes: [{name}:/data]"
    profile = draw(st.sampled_from(("", "", "debug", "tools")))
    if profile:
        yield f"  profiles: [{profile}]"


@st.composite
def grouped_projects(draw: st.DrawFn) -> dict[str, str]:
    """Projects of up to four groups of services, some with a variant of the file beside it."""
    style = draw(st.sampled_from(("box", "line", "end")))
    lines: list[str] = []
    names: list[str] = []
    for title, members in SECTIONS.items():
        count = draw(st.integers(0 if names else 2, len(members)))
        if count:
            lines += ["", *_banner(draw, title, style)]
        for name in members[:count]:
            lines += ["", *_service(draw, name, names)]
            names.append(name)
        if count and draw(st.booleans()):
            lines += ["", f"# old-{members[0]}:", f"#   image: registry.example.com/old:{count}"]
    body = "".join(f"  {line}\n" if line else "\n" for line in lines)
    volumes = [line.split("[")[1].partition(":")[0] for line in lines if " volumes: [" in line]
    end = "".join(f"  {name}:\n" for name in volumes)
    text = f"{HEAD.format(kind='production')}\nservices:{body}"
    text = text.replace("services:\n\n", "services:\n") + (f"\nvolumes:\n{end}" if end else "")
    files = {ROOT: text}
    if draw(st.integers(0, 2)) == 0:
        variant = text.replace("production environment", "dev environment")
        files[VARIANT] = variant.replace("run ", "watch ").replace("restart: always", "tty: true")
    return files
