"""Write the JSON schema of `analyze --format json` anew, after a change to the facts."""

from __future__ import annotations

from pathlib import Path

from composerefactor.report.analysis import json as analysis_json

if __name__ == "__main__":
    path = Path(analysis_json.__file__).with_name(analysis_json.SCHEMA_FILE)
    path.write_text(analysis_json.schema_text(), encoding="utf-8")
    print(f"wrote {path}")
