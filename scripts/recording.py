"""Write the recorded session into docs/wizard.md; a test holds the page to the screens."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "wizard.md"
SCREENS = ROOT / "tests" / "cli" / "wizard" / "screens" / "recording.txt"
BEGIN = "<!-- recording: written by scripts/recording.py, `make docs` writes it anew -->\n"
END = "<!-- recording: end -->\n"


def frames() -> str:
    """Return the screens of the recording as Markdown, each with its title."""
    parts = []
    for frame in SCREENS.read_text(encoding="utf-8").split("=== ")[1:]:
        title, _, screen = frame.partition(" ===\n")
        parts.append(f"{title}:\n\n```text\n{screen.rstrip()}\n```\n")
    return "\n".join(parts)


def with_recording(page: str) -> str:
    """Return *page* with the recording between its marks."""
    before, rest = page.split(BEGIN)
    after = rest.split(END)[1]
    return f"{before}{BEGIN}\n{frames()}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(with_recording(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
