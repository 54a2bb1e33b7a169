"""The HTML report: one self-contained file whose content security policy forbids to load more."""

from __future__ import annotations

import base64
import hashlib
import pkgutil
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import cache

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup, escape
from msgspec import Struct

from composerefactor import __version__
from composerefactor.analysis.analysis import Analysis
from composerefactor.analysis.facts.architecture import Architecture, InvocationFacts
from composerefactor.analysis.findings import Severity
from composerefactor.errors import Location
from composerefactor.report.analysis.model import Section, Table, TextBlock
from composerefactor.report.analysis.summary import sections
from composerefactor.report.html.graph import (
    HEALTH,
    KINDS,
    LINES,
    Graph,
    by_category,
    category_name,
    graph,
    large_categories,
)
from composerefactor.report.html.svg import anchor, css, topology_element
from composerefactor.report.text import counted

_ITEM = Markup(
    '<li><svg class="topology" width="{width}" height="14" aria-hidden="true">'
    '<g class="{kind}">{mark}</g></svg>{label}</li>'
)
_STRIPE = Markup('<rect class="stripe" width="5" height="14" rx="2"></rect>')
_DOT = Markup('<circle class="health" cx="6" cy="7" r="4.5"></circle>')
_LINE = Markup('<path class="stroke" d="M0 7h28"></path>')
_PORT = Markup('<rect class="pill" x="1" y="1" width="20" height="12" rx="6"></rect>')


def legend() -> Markup:
    """Return the legend of the diagrams as a list."""
    items = [_item(kind, label, _STRIPE, 6) for kind, label in KINDS.items()]
    items += [_item(kind, label, _DOT, 12) for kind, label in HEALTH.items()]
    items += [_item(f"line {kind}", label, _LINE, 28) for kind, label in LINES.items()]
    items += [
        _item("open", "port open to the network", _PORT, 22),
        _item("local", "port open to this host only", _PORT, 22),
    ]
    return Markup('<ul class="legend">{}</ul>').format(Markup().join(items))


def _item(kind: str, label: str, mark: Markup, width: int) -> Markup:
    return _ITEM.format(width=width, kind=kind, mark=mark, label=label)


MOST_PICTURES = 600_000
"""The limit for all diagrams of a report, in characters; more would make it slow to open."""

_CODE = re.compile(r"`([^`]*)`")
_NAME = re.compile(r"(?<![\w.-])(?:--\w[\w.]*(?:-[\w.]+)*|\w[\w.]*(?:-[\w.]+)+)(?![\w.-])")
"""A name or an option with a hyphen, at which browsers would break it."""

_URL = re.compile(
    r"https?://(?:localhost|127\.0\.0\.1)(?::\d+)?(?![\w.:])"
    r"|https://(?:docs\.docker\.com|github\.com/composerefactor/composerefactor)/[\w./#-]*"
)
"""An address on the reader's machine, or of documentation; the project's text must not lead
elsewhere."""

_LONGEST_NAME = 32
"""Longer names are broken: they would make tables wider than the page."""
_PLACE = re.compile(r"[^\s:]+\.(?:ya?ml|env|toml|json)(?::\d+)?|\S*Dockerfile\S*:\d+")
_SERVICE_COLUMNS = frozenset({"Service", "Services", "Connects to", "Depends on"})


_NEVER_FOLDED = frozenset({"priorities", "overview", "rating", "inventory"})
_MOST_ROWS = 12


class Row(Struct, frozen=True):
    """A row of a table.

    Attributes:
        cells: The cells.
        id: The anchor of the service in the inventory, else ``""``.
        severity: The severity of the finding, else ``""``.
    """

    cells: tuple[Markup, ...]
    id: str = ""
    severity: str = ""


class Grid(Struct, frozen=True):
    """A table with its title, headings and rows as HTML."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


class Part(Struct, frozen=True):
    """A section as HTML: that of ``report.analysis.model`` with the number of its rows.

    It is folded if it is a list for looking things up, and longer than :data:`_MOST_ROWS`.
    """

    id: str
    title: str
    intro: str
    folded: bool
    parts: tuple[Grid | TextBlock, ...]
    count: int


class Picture(Struct, frozen=True):
    """A diagram.

    Attributes:
        title: The start commands, or what of them it shows.
        svg: The diagram, empty if it would be too large.
        id: The anchor for links to it, ``""`` for none.
    """

    title: str
    svg: Markup
    id: str = ""


def analysis_html(analysis: Analysis, today: date) -> str:
    """Return *analysis*, made *today*, as a self-contained HTML document without secrets."""
    shown = [section for section in sections(analysis) if not section.is_empty]
    first = ["priorities", "topology"]  # what to do, then what there is
    shown.sort(key=lambda each: first.index(each.id) if each.id in first else len(first))
    facts = analysis.architecture
    style, script = _style(), _text("report.js")
    return (
        _environment()
        .get_template("report.html")
        .render(
            name=facts.name,
            version=__version__,
            today=f"{today:%d %B %Y}".lstrip("0"),
            policy=_policy(style, script),
            css=Markup(style),  # noqa: S704 - the package's own text
            script=Markup(script),  # noqa: S704
            rating=analysis.rating,
            areas=sorted(analysis.ratings, key=lambda each: each.score),
            errors=analysis.rejections,
            facts=_facts(facts),
            severities=_severities(analysis),
            legend=legend(),
            pictures=_pictures(analysis),
            sections=[_part(section, frozenset(facts.service_names)) for section in shown],
        )
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FunctionLoader(_text),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["marked"] = _marked
    return environment


def _text(name: str) -> str:
    return (pkgutil.get_data(__package__ or "", name) or b"").decode()


def _style() -> str:
    """Return the style sheet, with the dark colours in both places where they apply."""
    light, dark = _text("report.css"), _text("dark.css") + css(dark=True)
    return css() + light.replace("/*dark*/", dark)


def _policy(style: str, script: str) -> str:
    return (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _marked(text: str) -> Markup:
    """Return *text* as HTML, with code between backticks, links, and names kept whole."""
    return _wrapped(
        _CODE,
        text,
        lambda match: Markup("<code>{}</code>").format(_with_whole_names(match[1])),
        _with_links,
    )


def _with_links(text: str) -> Markup:
    link = Markup('<a href="{0}">{0}</a>')
    return _wrapped(_URL, text, lambda match: link.format(match[0]), _with_whole_names)


def _with_whole_names(text: str) -> Markup:
    whole = Markup('<span class="whole">{}</span>')

    def name(match: re.Match[str]) -> Markup:
        return whole.format(match[0]) if len(match[0]) <= _LONGEST_NAME else escape(match[0])

    return _wrapped(_NAME, text, name, escape)


def _wrapped(
    pattern: re.Pattern[str],
    text: str,
    inside: Callable[[re.Match[str]], Markup],
    outside: Callable[[str], Markup],
) -> Markup:
    """Return *text* as HTML: the matches of *pattern* by *inside*, the rest by *outside*."""
    parts, at = [], 0
    for match in pattern.finditer(text):
        parts += [outside(text[at : match.start()]), inside(match)]
        at = match.end()
    return Markup().join([*parts, outside(text[at:])])


def _facts(facts: Architecture) -> list[dict[str, str]]:
    main = facts.main
    values: list[tuple[str, int]] = [
        ("Services", len(facts.service_names)),
        ("Start commands", len(facts.entries) + len(facts.unread)),
    ]
    if main is not None:
        values += [
            ("Networks", len(main.networks)),
            ("Volumes", len(main.volumes)),
            ("Published ports", len(main.ports)),
        ]
    return [{"label": label, "value": str(value)} for label, value in values]


def _severities(analysis: Analysis) -> list[dict[str, object]]:
    counts = Counter(each.severity for each in analysis.findings)
    return [{"word": each.value, "count": counts[each]} for each in reversed(Severity)]


def main_topology(analysis: Analysis) -> Graph | None:
    """Return the topology of the main start command; None if none can be read."""
    main = analysis.architecture.main
    return None if main is None else graph(main, _broken_checks(analysis))


def _broken_checks(analysis: Analysis) -> frozenset[Location]:
    """Return the places of the health checks that cannot run."""
    findings = (*analysis.findings, *analysis.known)
    return frozenset(each.location for each in findings if each.rule == "healthcheck-cannot-run")


def _pictures(analysis: Analysis) -> list[Picture]:
    """Return the diagram of the main start command, then one for each that looks different.

    One of many services comes after a diagram of their categories, and one for each category.
    """
    facts, broken = analysis.architecture, _broken_checks(analysis)
    main = facts.main
    if main is None:
        return []
    titles_by_graph: dict[Graph, list[str]] = {}
    for entry in (main, *(e for e in facts.entries if e is not main)):
        titles_by_graph.setdefault(graph(entry, broken), []).append(entry.title)
    room = MOST_PICTURES
    pictures: list[Picture] = []
    for title, id_, topology in _topologies(main, titles_by_graph):
        drawn = topology_element(topology, title) if room > 0 else ""
        room -= len(drawn)
        is_drawn = room > 0 or not pictures
        svg = Markup(drawn) if is_drawn else Markup()  # noqa: S704 - written by ElementTree
        pictures.append(Picture(title, svg, id_))
    return pictures


def _topologies(
    main: InvocationFacts, titles_by_graph: Mapping[Graph, Sequence[str]]
) -> Iterator[tuple[str, str, Graph]]:
    """Yield the title, the anchor and the graph of each diagram; those of *main* come first."""
    category_of = {each.name: each.category for each in main.services}
    for number, (topology, titles) in enumerate(titles_by_graph.items()):
        title = "; ".join(titles)
        large = large_categories(topology, category_of) if number == 0 else {}
        if large:
            hint = f"{title}: a category leads to its services"
            yield hint, "", by_category(topology, category_of)
            title = f"All {len(topology.nodes)} services of {title}"
        for category, count in sorted(large.items(), key=lambda pair: -pair[1]):
            shown = by_category(topology, category_of, category)
            id_ = anchor(category_name(category, count), "category")
            yield f"{category}: {counted(count, 'service')}", id_, shown
        yield title, "", topology


def _part(section: Section, services: frozenset[str]) -> Part:
    parts: list[Grid | TextBlock] = []
    for part in section.parts:
        if isinstance(part, TextBlock):
            parts += [part] if part.lines else []
        elif part.rows:
            is_inventory = section.id == "inventory" and not parts
            parts.append(_grid(part, services, is_inventory=is_inventory))
    count = sum(len(part.rows) for part in parts if isinstance(part, Grid))
    folded = section.id not in _NEVER_FOLDED and count > _MOST_ROWS
    return Part(section.id, section.title, section.intro, folded, tuple(parts), count)


def _grid(table: Table, services: frozenset[str], *, is_inventory: bool) -> Grid:
    """Return *table* as HTML; in the inventory, the first row of a service is the link target."""
    seen: set[str] = set()
    at = table.columns.index("Severity") if "Severity" in table.columns else None
    rows = []
    used = table.used
    for row in table.rows:
        name = row[0] if is_inventory else ""
        linked = services - {name}
        cells = (_cell(table.columns[n], row[n], linked, table.links) for n in used)
        target = anchor(name) if name and name not in seen else ""
        seen.add(name)
        rows.append(Row(tuple(cells), target, "" if at is None else row[at]))
    columns = tuple(table.columns[n] for n in used)
    return Grid(table.title, columns, tuple(rows))


def _cell(
    column: str, text: str, services: frozenset[str], links: Mapping[str, str] = {}
) -> Markup:
    if text in links:
        return Markup('<a href="{}">{}</a>').format(links[text], _with_whole_names(text))
    if column == "Severity":
        return Markup('<span class="badge {0}">{0}</span>').format(text)
    if text.startswith("CONFLICT"):
        return Markup('<span class="badge conflict">{}</span>').format(text)
    if column in _SERVICE_COLUMNS:
        return Markup(", ").join(_linked(part, services) for part in text.split(", "))
    if _PLACE.fullmatch(text):
        return Markup('<span class="place">{}</span>').format(text)
    return _marked(text)


def _linked(text: str, services: Iterable[str]) -> Markup:
    """Return *text* as HTML, with its first word as a link if it is a service."""
    name, space, rest = text.partition(" ")
    if name not in services:
        return _marked(text)
    return Markup('<a href="#{}">{}</a>').format(anchor(name), name) + _marked(space + rest)
