from __future__ import annotations

import pytest


@pytest.fixture(params=[pytest.param(True, id="pure"), pytest.param(False, id="c")])
def pure(request: pytest.FixtureRequest) -> bool:
    """Which parser: True the Python one, False the C one where it is installed."""
    # A conftest is read before --without-c-parser can hide the C parser.
    from composerefactor.yaml.parser import has_c_parser  # noqa: PLC0415

    if not request.param and not has_c_parser():
        pytest.skip("the C parser is not installed")
    return bool(request.param)
