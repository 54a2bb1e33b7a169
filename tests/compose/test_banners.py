"""Groups of services that banners make."""

from __future__ import annotations

from textwrap import indent

import pytest

from composerefactor.compose.files import ComposeFile
from composerefactor.compose.remarks import ServiceSection, service_sections
from composerefactor.yaml.source import Source


def sections_of(text: str) -> list[ServiceSection]:
    return service_sections(ComposeFile.parse(Source("compose.yaml", text)))


def compose(*blocks: str) -> str:
    """Return a file: a block that begins with ``#`` is a comment, others are names of services."""
    lines = ["services:"]
    for block in blocks:
        if block.startswith("#"):
            lines.append(indent(block, "  "))
        else:
            lines += [f"  {name}:\n    image: acme/{name}\n" for name in block.split()]
    return "\n".join(lines) + "\n"


def grouped(*blocks: str) -> list[tuple[str, ...]]:
    return [(section.name, *section.services) for section in sections_of(compose(*blocks))]


@pytest.mark.parametrize(
    "banner",
    [
        "# ####\n# {}\n# ####",
        "#########\n# {} #\n#########",
        "# ====\n# {}\n# ====\n# keeps all orders",
        "# ====\n# {}\n# ====\n# keeps all orders\n# and what goes with them\n# ====",
        "# ====\n# {}\n",
        "# {}\n# ----",
        "# --- {} ---",
        "# -- {} --",
        "######## {} ########",
        "# ==== {}",
        "# {} ----------",
        "### {}",
        "## {}\n",
        "#------[ {} ]------",
        "# ── {} ──────────",
        "# ╔══════╗\n# ║ {} ║\n# ╚══════╝",
        "# ****\n# {}\n# ****\n",
        "# {}\n",
    ],
)
def test_forms_of_a_banner(banner: str) -> None:
    blocks = (banner.format("Edge"), "nginx certbot", banner.format("Data"), "db cache")
    assert grouped(*blocks) == [("edge", "nginx", "certbot"), ("data", "db", "cache")]


def test_offsets_are_those_of_the_lines_of_the_banner() -> None:
    text = compose("web", "# ----\n# DATA (shared)\n# kept\n# ----\n# orders", "db cache")
    [section] = sections_of(text)
    banner = "  # ----\n  # DATA (shared)\n  # kept\n  # ----\n"
    assert text[section.start : section.end] == banner
    assert section.title == "DATA (shared)"
    assert section.services == ("db", "cache")


@pytest.mark.parametrize(
    "blocks",
    [
        ("# --- redis ---", "redis", "# --- db ---", "db", "# --- web ---", "web"),
        ("# --- Redis Cache ---", "redis", "# --- Web ---", "web nginx", "# --- db ---", "db"),
        ("# --- Front ---", "web", "# --- Store ---", "db", "# --- Mail ---", "mailhog"),
        ("# redis\n", "redis", "# db\n", "db"),
        ("# --- Feed ---", "feed feed-worker", "# --- Mail ---", "mail mail-worker"),
        ("# ---- the shop ----", "web db cache"),
        ("# --------------", "web", "# --------------", "db cache"),
        ("web db", "# On both of the services below.\n", "cache mail", "# Another one.\n", "a b"),
        ("web db", "# Data\n", "cache mail"),
        ("web db", "# TODO: limits\n", "cache mail", "# FIXME later\n", "a b"),
        ("web db", "# PASSWORD=***", "cache mail"),
        ("web db", "# keeps the orders", "cache mail", "# keeps the mails", "a b"),
    ],
)  # fmt: skip
def test_no_groups(blocks: tuple[str, ...]) -> None:
    assert grouped(*blocks) == []


def test_titles_of_services_within_groups() -> None:
    blocks = (
        *("# ==== DATA ====\n", "# --- db ---", "db", "# --- cache ---", "cache"),
        *("# ==== APP ====\n", "# --- web ---", "web", "# --- api ---", "api"),
    )
    assert grouped(*blocks) == [("data", "db", "cache"), ("app", "web", "api")]


def test_the_inner_one_of_two_titles_counts() -> None:
    blocks = ("# ==== DATA ====\n", "# ==== SQL ====", "db db2", "# ==== KEYS ====", "a b")
    assert grouped(*blocks) == [("sql", "db", "db2"), ("keys", "a", "b")]


def test_a_group_that_is_commented_out_has_no_section() -> None:
    mail = "# ==== MAIL ====\n# mail:\n#   image: mailhog\n"
    blocks = ("# ==== APP ====", "web api", mail, "# ==== DATA ====", "db cache")
    assert grouped(*blocks) == [("app", "web", "api"), ("data", "db", "cache")]


def test_a_commented_out_service_below_a_ruler_is_no_title() -> None:
    mail = "# ---------\n# mail: (archived)\n#   image: mailhog\n"
    blocks = ("# ---- APP ----", "web api", mail, "docs", "# ---- DATA ----", "db cache")
    assert grouped(*blocks) == [("app", "web", "api", "docs"), ("data", "db", "cache")]


@pytest.mark.parametrize("end", ["# ------------", "# ---- end of data ----"])
def test_the_end_of_a_group(end: str) -> None:
    blocks = ("# ---- APP ----", "web api", "# ---- DATA ----", "db cache", end, "mail")
    assert grouped(*blocks) == [("app", "web", "api"), ("data", "db", "cache")]


def test_a_group_of_one_service_among_others() -> None:
    blocks = ("# ---- APP ----", "web api", "# ---- EDGE ----", "nginx")
    assert grouped(*blocks) == [("app", "web", "api"), ("edge", "nginx")]


def test_a_banner_in_a_value_and_one_above_the_services_are_none() -> None:
    text = (
        "# ---- SHOP ----\n\n# ---- SERVICES ----\nservices:\n"
        "  web:\n    image: nginx\n    command: |\n      # ---- DATA ----\n      serve\n"
        "    # ---- SETTINGS ----\n  db:\n    image: postgres\n  cache:\n    image: redis\n"
        "# ---- VOLUMES ----\nvolumes:\n  a:\n  b:\n"
    )
    assert sections_of(text) == []


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("MONITORING (added after the outage, keep it running!)", "monitoring"),
        ("Core Demo Services", "core-demo-services"),
        ("Data stores - never delete", "data-stores"),
        ("Workers - Consumers", "workers"),
        ("Services - gRPC Servers", "grpc-servers"),
        ("Services: APIs", "services"),
        ("Observability: metrics and logs", "observability"),
        ("2. Databases", "databases"),
        ("BEGIN databases", "databases"),
        ("Layer 3: Edge | public", "edge"),
        ("🗄️ Caché & Queue", "cache-queue"),
        ("Services that are based on the standard images", ""),
        ("Базы данных", ""),
        ("Тот же image", ""),
    ],
)
def test_name(title: str, name: str) -> None:
    assert grouped("web", f"# ---- {title} ----", "db cache") == [(name, "db", "cache")]


@pytest.mark.parametrize(
    "text", ["services: {web: {image: nginx}}\n", "# ---- X ----\n", "volumes:\n  a:\n"]
)
def test_files_without_services_on_lines(text: str) -> None:
    assert sections_of(text) == []
