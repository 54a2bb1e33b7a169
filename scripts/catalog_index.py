"""Write the index of the image catalogue anew, after a change to its YAML files."""

from __future__ import annotations

from pathlib import Path

from composerefactor.catalog import index

if __name__ == "__main__":
    path = Path(index.__file__).with_name(index.INDEX)
    path.write_text(index.make_index(), encoding="utf-8")
    print(f"wrote {path}")
