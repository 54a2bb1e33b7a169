"""Write the JSON schema of the settings file anew, after a change to its form."""

from __future__ import annotations

from pathlib import Path

from composerefactor.planning import settings as form

if __name__ == "__main__":
    path = Path(form.__file__).with_name("settings.schema.json")
    path.write_text(form.schema_text(), encoding="utf-8")
    print(f"wrote {path}")
