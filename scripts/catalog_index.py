"""Write the JSON files of the image catalog again, after a change to its YAML files."""

from __future__ import annotations

from pathlib import Path

from composerefactor.images import catalog

if __name__ == "__main__":
    for name, text in catalog.generate_all().items():
        path = Path(catalog.__file__).parent / "data" / name
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path}")
