"""Banners over groups of services: how the owner of a file groups them.

``# ---- DATA ----`` above several services is a group that the owner made. A title above each
single service (``# --- redis ---`` above ``redis``) is none.
:mod:`composerefactor.yaml.comments` says what a banner is.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import groupby

from msgspec import Struct

from composerefactor.compose.files import ComposeFile
from composerefactor.yaml.comments import Title, titles
from composerefactor.yaml.nodes import MappingNode, Node, ScalarNode

_MIN_COMMON = 3
_MAX_NAME_WORDS = 4
_MAX_TITLE_WORDS = 6
_NUMBER = re.compile(
    r"^(?:(?:begin|start)\s+(?:of\s+)?|(?:(?:section|part|layer|tier|phase|stage|group|block)\s+)?\(?(?:\d+|[ivx]+)"
    r"(?:[.)]+\s*|\s*[:|\u2013—-]\s+))",
    re.IGNORECASE,
)
_REMARK = re.compile(r"\s*[(\[{|].*|\s*:\s.*|\s+[-\u2013—]+\s.*")
_NOTE = re.compile(r"(?:todo|fixme|xxx|hack|note|warning|important|see|disabled)\b", re.IGNORECASE)
_END = re.compile(r"(?:end|ende|eof)\b", re.IGNORECASE)


class ServiceSection(Struct, frozen=True):
    """A run of services below one banner.

    Attributes:
        title: The first line of the banner's text, without ``#`` and rulers.
        name: A short kebab-case name for a module, such as ``data-stores``; "" where the title
            does not provide one. Several sections can have the same name.
        start: Offset of the first line of the banner.
        end: Offset just after the last line of the banner. Notes below it are not part of it.
        services: The names of the services below it, up to the next banner, in order.
    """

    title: str
    name: str
    start: int
    end: int
    services: tuple[str, ...]


def service_sections(file: ComposeFile) -> list[ServiceSection]:
    """Return the groups of services that the banners of *file* make, in order.

    Services above the first banner are in no section. The result is [] if there is no banner, if
    one banner is above all services, or if the banners are titles of single services.
    """
    above = _titles_above(file)
    ruled = [(title, index) for title, index in above if title.style]
    sections = _without_single_titles(file, ruled)
    if not sections:
        plain = [(title, index) for title, index in above if not title.style]
        plain = [each for each in plain if _is_title(each[0].text)]
        sections = _without_single_titles(file, plain) if len(plain) > 1 else []
    if len(sections) == 1 and len(sections[0].services) == len(file.regions_in("services")):
        return []
    return sections


def _titles_above(file: ComposeFile) -> list[tuple[Title, int]]:
    """Return the titles between the services of *file*, each with the index of the next service.

    A ruler without text ends a section, unless such rulers are everywhere.
    """
    section = (file.sections or {}).get("services")
    regions = list(file.regions_in("services").values())
    if section is None or not regions:
        return []
    column = file.source.column(regions[0].entry.start)
    found = []
    at = file.source.next_line(section.region.key)
    for index, region in enumerate(regions):
        found += [(title, index) for title in titles(file.source, at, region.key, column)]
        at = region.tail
    with_text = [(title, index) for title, index in found if title.text]
    are_separators = (len(found) - len(with_text)) * 2 > len(with_text)
    return with_text if are_separators else found


def _without_single_titles(
    file: ComposeFile, found: list[tuple[Title, int]]
) -> list[ServiceSection]:
    """Return the sections of the banners *found*, without styles that are titles of services."""
    while True:
        sections = [
            each for each in _sections(file, found) if each.title and not _END.match(each.title)
        ]
        styles = {title.start: title.style for title, _ in found}
        single = {
            style
            for style, members in _by_style(sections, styles).items()
            if _are_single_titles(file, members)
        }
        if not single:
            return sections
        found = [(title, index) for title, index in found if title.style not in single]


def _by_style(
    sections: list[ServiceSection], styles: dict[int, str]
) -> dict[str, list[ServiceSection]]:
    ordered = sorted(sections, key=lambda section: styles[section.start])
    return {
        style: list(members)
        for style, members in groupby(ordered, key=lambda section: styles[section.start])
    }


def _sections(file: ComposeFile, found: list[tuple[Title, int]]) -> list[ServiceSection]:
    """Return a section for the last title above each service, up to the next title."""
    names = tuple(file.regions_in("services"))
    last = {index: title for title, index in found}
    stops = [*last, len(names)][1:]
    return [
        ServiceSection(title.text, _name(title.text), title.start, title.end, names[index:stop])
        for (index, title), stop in zip(last.items(), stops, strict=True)
    ]


def _are_single_titles(file: ComposeFile, sections: list[ServiceSection]) -> bool:
    """Return whether *sections* are no groups: most of them have one service.

    They are no groups either if most of the services are alone in their section, or if most of the
    titles above one service have a word of its name.
    """
    singles = [section for section in sections if len(section.services) == 1]
    grouped = sum(len(section.services) for section in sections) - len(singles)
    if len(singles) > grouped:
        return True
    titled = [section for section in singles if _is_titled_like(file, section)]
    return len(singles) * 2 > len(sections) and len(titled) * 2 > len(singles)


def _is_titled_like(file: ComposeFile, section: ServiceSection) -> bool:
    """Return whether the title of *section* has a word of its service's name or image."""
    [service] = section.services
    body = file.services.get(service)
    named = _words(service) | _words(_image_name(body))
    return any(
        word == other
        or (len(word) >= _MIN_COMMON <= len(other) and (word in other or other in word))
        for word in _words(section.title)
        for other in named
    )


def _image_name(body: Node | None) -> str:
    image = body.get("image") if isinstance(body, MappingNode) else None
    return image.value.rpartition("/")[2].partition(":")[0] if isinstance(image, ScalarNode) else ""


def _words(text: str) -> set[str]:
    return set(re.findall(r"[^\W\d_]+", text.lower()))


def _is_title(text: str) -> bool:
    """Return whether *text*, a line without a ruler, reads as a title and not as a sentence."""
    is_short = len(text.split()) <= _MAX_TITLE_WORDS
    return is_short and text[-1] not in ".;,!?" and "://" not in text and not _NOTE.match(text)


def _name(title: str) -> str:
    """Return *title* as a short kebab-case name; "" for a sentence or one without ASCII letters."""
    plain = _REMARK.sub("", _NUMBER.sub("", re.sub(r"^[^\w(]+", "", title), count=1))
    plain = unicodedata.normalize("NFKD", plain).encode("ascii", "ignore").decode()
    words = re.findall(r"[a-z0-9]+", plain.lower().replace("'", ""))
    if len(words) > _MAX_NAME_WORDS or not any(word.isalpha() for word in words):
        return ""
    return "-".join(words)
