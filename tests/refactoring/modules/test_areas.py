"""What applications are about, by the words of their names."""

from __future__ import annotations

import pytest

from composerefactor.refactoring.modules.service_names import area_of


@pytest.mark.parametrize(
    ("name", "area"),
    [
        ("payment-service", "payments"),
        ("payments_api", "payments"),
        ("paymentservice", "payments"),
        ("PaymentService", "payments"),
        ("user-notification", "identity"),
        ("sonarr", "arr"),
        ("qbit-vpn", "downloads"),
        ("admin-dashboard", "frontends"),
        ("admin-service", ""),
        ("web-api", ""),
        ("misc", ""),
        ("s", ""),
    ],
)
def test_the_first_word_that_says_it(name: str, area: str) -> None:
    assert area_of(name) == area


@pytest.mark.parametrize(
    ("image", "area"),
    [
        ("lscr.io/linuxserver/radarr:6.0", "arr"),
        ("registry:5000/plex@sha256:0", "media"),
        ("acme/x:payments", ""),
    ],
)
def test_the_image_where_the_name_says_nothing(image: str, area: str) -> None:
    assert area_of("movies", image) == area
