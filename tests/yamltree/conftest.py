from __future__ import annotations

import pytest

from composerefactor.yamltree.build import has_c_parser


@pytest.fixture(
    params=[
        pytest.param(True, id="pure"),
        pytest.param(
            False,
            id="c",
            marks=pytest.mark.skipif(not has_c_parser(), reason="the C parser is not installed"),
        ),
    ]
)
def pure(request: pytest.FixtureRequest) -> bool:
    """Which parser: True the Python one, False the C one."""
    return bool(request.param)
