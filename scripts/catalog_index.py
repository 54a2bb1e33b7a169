"""Write what is made of the image catalogue's YAML files anew, after a change to them."""

from __future__ import annotations

from pathlib import Path

from composerefactor.images import catalog as index

if __name__ == "__main__":
    made = {f"{name}.json": index.make_copy(name) for name in index.COPIED}
    for name, text in {**made, index.INDEX: index.make_index()}.items():
        path = Path(index.__file__).parent / "data" / name
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path}")
