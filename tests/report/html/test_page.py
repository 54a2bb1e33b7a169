"""The report as text: complete, self-contained, and without secrets."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from composerefactor.analysis.analysis import analyse_project, open_for_analysis
from composerefactor.planning.opening import ProjectSelection
from composerefactor.report.analysis.model import Table
from composerefactor.report.analysis.summary import sections
from composerefactor.report.html.page import analysis_html
from report.html.conftest import TODAY
from support.commandline import write
from support.largeproject import SECRET

VOID = frozenset({"meta", "input", "link", "br", "img", "hr"})
HOSTILE = "</td><script>alert(1)</script>"
TEXT = f"""\
services:
  web:
    image: "x:1{HOSTILE}"
    ports: ["80:80"]
    command: ["--title", "{HOSTILE}"]
    environment: {{PASSWORD: {SECRET}, URL: "postgres://shop:{SECRET}@db/shop", NOTE: "{HOSTILE}"}}
    depends_on: [db]
  "{HOSTILE}":
    image: redis
    command: redis-server --requirepass {SECRET}
  db:
    image: postgres:16
    environment: ["POSTGRES_PASSWORD=${{DB_PASSWORD:-{SECRET}}}"]
    env_file: db.env
"""


class Reader(HTMLParser):
    """Reads a page, and keeps what its elements are and whether they are closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.cells: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)
        if tag == "td":
            self.cells.append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "td" in self.open:
            self.cells[-1] += data


def page(tmp_path: Path, text: str = TEXT) -> str:
    root = write(tmp_path, {"compose.yaml": text, "db.env": f"TOKEN={SECRET}\n"})
    opened = open_for_analysis(ProjectSelection(root, (), (), (), {}))
    assert opened.project.readable
    return analysis_html(analyse_project(opened), TODAY)


def test_it_is_well_formed_and_says_everything_that_the_sections_say(tmp_path: Path) -> None:
    text = page(tmp_path)
    read = Reader(text)
    assert read.open == []
    opened = open_for_analysis(ProjectSelection(tmp_path, (), (), (), {}))
    found = sections(analyse_project(opened))
    cells = {cell.replace("`", "") for cell in read.cells}
    for section in found:
        for part in section.parts:
            if isinstance(part, Table):
                wanted = {cell.replace("`", "") for row in part.rows for cell in row}
                assert wanted <= cells, section.id


def test_text_of_the_project_is_never_markup(tmp_path: Path) -> None:
    text = page(tmp_path)
    assert text.count("<script>") == 1
    assert HOSTILE not in text
    assert "alert(1)" in text


def test_it_loads_nothing_and_its_policy_says_so(tmp_path: Path) -> None:
    text = page(tmp_path)
    read = Reader(text)
    targets = {v for _, name, v in read.attributes if name in {"src", "href", "action", "style"}}
    assert targets
    allowed = (
        r"#|http://localhost:80$|https://docs\.docker\.com/|https://github\.com/composerefactor/"
    )
    assert all(re.match(allowed, target) for target in targets)
    assert not {tag for tag, _, _ in read.attributes} & {"link", "img", "iframe", "object", "form"}
    assert "@import" not in text
    assert "url(" not in text
    policy = next(v for _, name, v in read.attributes if name == "content" and "default-src" in v)
    assert policy.startswith("default-src 'none'; ")
    for kind, content in re.findall(r"<(style|script)>(.*?)</", text, re.DOTALL):
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy


def test_ids_are_there_once_and_links_lead_to_them(large: Path) -> None:
    read = Reader(large.read_text("utf-8"))
    ids = [value for _, name, value in read.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    links = {
        v.removeprefix("#")
        for tag, name, v in read.attributes
        if (tag, name) == ("a", "href") and v.startswith("#")
    }
    assert links <= set(ids)
    assert sum(each.startswith("service-") for each in ids) == 60


def test_what_to_do_comes_before_what_there_is(tmp_path: Path) -> None:
    text = page(tmp_path)
    contents = re.findall(r'<li><a href="#([a-z]+)">', text)
    assert contents[:3] == ["priorities", "topology", "overview"]
    areas = re.findall(r'<li class="\w+"><span>.*?<b>([\d.]+)</b>', text, re.DOTALL)
    assert sorted(areas, key=float) == areas
    assert len(areas) == 7
    assert '<small><span class="whole">plain-text-secret</span>' in text


def test_names_are_kept_whole_and_only_known_addresses_are_links(tmp_path: Path) -> None:
    note = "http://localhost:8080.example.com http://example.com/"
    text = page(tmp_path, f"services: {{api: {{image: x, environment: {{A: '{note}'}}}}}}\n")
    assert re.findall(r'href="http(?!s://(?:docs\.docker\.com|github\.com/compos))', text) == []
    text = page(tmp_path, "services: {api: {image: x, ports: ['8080:80']}}\n")
    assert '<a href="http://localhost:8080">' in text
    assert '<span class="whole">missing-healthcheck</span>' in text


def test_it_says_when_it_was_made(tmp_path: Path) -> None:
    assert "Generated on 30 November 2026 by composerefactor" in page(tmp_path)


def test_no_secret_is_in_it(tmp_path: Path, large: Path) -> None:
    assert SECRET not in page(tmp_path)
    assert SECRET not in large.read_text("utf-8")


def test_it_is_the_same_each_time(tmp_path: Path) -> None:
    assert page(tmp_path) == page(tmp_path)


def test_a_project_without_services(tmp_path: Path) -> None:
    assert "<dt>Services</dt><dd>0</dd>" in page(tmp_path, "services: {}\n")


def test_size_of_a_large_project(large: Path) -> None:
    assert large.stat().st_size < 2_000_000


def test_many_pictures_do_not_make_it_larger_than_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("composerefactor.report.html.page.MOST_PICTURES", 2000)
    names = [f"{number}.yaml" for number in range(4)]
    files = {name: f"services: {{a{name[0]}: {{image: x}}, b: {{image: y}}}}\n" for name in names}
    root = write(tmp_path, files)
    opened = open_for_analysis(ProjectSelection(root, (), tuple(names), (), {}))
    text = analysis_html(analyse_project(opened), TODAY)
    pictures = re.findall(r"<svg xmlns.*?</svg>", text, re.DOTALL)
    assert 1 <= len(pictures) < len(names)
    missing = text.count("This diagram is omitted")
    assert len(pictures) + missing == len(names)
