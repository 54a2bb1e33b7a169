"""The report in a real browser: opened from disk, at two widths, light and dark, by keyboard."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("browser")]

WIDE, PHONE = (1400, 1000), (390, 844)
Open = Callable[..., "Page"]


@pytest.fixture
def show(browser: Browser, large: Path) -> Iterator[Open]:
    """Opens the report; it must request nothing else and log no errors."""
    requests: list[str] = []
    said: list[str] = []
    contexts = []

    def opened(size: tuple[int, int] = WIDE, **options: Any) -> Page:
        viewport = {"width": size[0], "height": size[1]}
        context = browser.new_context(viewport=viewport, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: requests.append(request.url))
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(large.as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()
    assert said == []
    assert {url.partition("#")[0] for url in requests} == {large.as_uri()}


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_the_page(show: Open, size: tuple[int, int], scheme: str) -> None:
    page = show(size, color_scheme=scheme)
    page.evaluate("document.querySelector('td a').textContent = 'long-name-'.repeat(5)")
    assert page.evaluate("document.documentElement.scrollWidth") == size[0]
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, colour[4:-1].split(","))) < 200) is (scheme == "dark")


def test_a_printed_page_is_not_wider_than_the_paper(show: Open) -> None:
    page = show((794, 1123))  # A4
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("document.documentElement.scrollWidth") == 794


def test_the_first_paint_is_soon(show: Open) -> None:
    page = show()
    page.screenshot()  # waits for a frame
    start = page.evaluate("performance.getEntriesByType('paint')[0].startTime")
    # Below a second on two idle cores; here others may be at work beside.
    assert start < 5000


def all_services(page: Page) -> Locator:
    """Unfold the diagram of all services, and return it."""
    fold = page.locator("#topology details:has(.picture)").last
    fold.locator("summary").click()
    return fold


def test_pointing_at_a_service_shows_its_neighbours(show: Open) -> None:
    page = show()
    whole = all_services(page)
    whole.locator('.node[data-service="storefront"]').hover()
    hot = page.locator(".node.hot").evaluate_all("all => all.map(e => e.dataset.service).sort()")
    assert hot == ["cart-api", "storefront", "traefik"]
    assert page.locator(".line.hot").count() == 2
    assert "Needed by: traefik." in whole.locator(".details").inner_text()


def test_a_click_leads_to_the_row_of_the_service(show: Open) -> None:
    page = show()
    all_services(page).locator('.node[data-service="storefront"]').click()
    row = page.locator("tr:target")
    assert row.locator("td").first.inner_text() == "storefront"
    box = row.bounding_box()
    assert box is not None
    assert 0 <= box["y"] <= WIDE[1]


def test_the_picture_is_usable_by_keyboard(show: Open) -> None:
    page = show()
    all_services(page).locator('.node[data-service="traefik"]').focus()
    focused = "document.activeElement.dataset.service"
    page.keyboard.press("ArrowDown")
    below = page.evaluate(focused)
    assert below in {"storefront", "admin", "portal"}
    assert page.locator(".node.hot").count() >= 3
    page.keyboard.press("Enter")
    assert page.locator("tr:target td").first.inner_text() == below


def test_the_search_finds_rows_and_services(show: Open) -> None:
    page = show()
    every = page.locator("tbody tr:visible").count()
    page.keyboard.press("/")
    page.keyboard.type("postgres-billing")
    found = page.locator("tbody tr:not([hidden])")
    assert 0 < found.count() < every
    assert all("postgres-billing" in text for text in found.all_text_contents())
    shown = [each.get_attribute("data-service") for each in page.locator(".node.found").all()]
    assert shown[0] == "database (4)"
    assert set(shown[1:]) >= {"postgres-billing"}
    assert page.locator(".hits").inner_text().endswith("found")
    assert page.locator("#findings details").get_attribute("open") is not None
    page.keyboard.press("Escape")
    assert page.locator("tr[hidden]").count() == 0
    assert page.locator("#findings details").get_attribute("open") is None


def test_a_link_to_a_section_shows_its_rows(show: Open) -> None:
    page = show()
    fold = page.locator("#health details")
    assert fold.get_attribute("open") is None
    page.locator('.contents a[href="#health"]').click()
    assert fold.get_attribute("open") is not None


def test_severities_and_columns(show: Open) -> None:
    page = show()
    findings = page.locator("#findings")
    findings.locator("summary").first.click()
    low = findings.locator('tr[data-severity="low"]').count()
    findings.get_by_role("button", name="low").first.click()
    assert findings.locator('tr[data-severity="low"][hidden]').count() == low > 0
    findings.get_by_role("button", name="low").first.click()
    page.locator("#inventory th button").first.click()
    names = page.locator("#inventory table").first.locator("td:first-child").all_inner_texts()
    assert names == sorted(names)
    assert len(names) == 60


def test_light_and_dark_by_hand(show: Open) -> None:
    page = show(color_scheme="light")
    background = "getComputedStyle(document.body).backgroundColor"
    card = "getComputedStyle(document.querySelector('.topology .card')).fill"
    before = page.evaluate(background), page.evaluate(card)
    page.locator(".theme").click()
    after = page.evaluate(background), page.evaluate(card)
    assert before[0] != after[0]
    assert before[1] != after[1]
    page.emulate_media(media="print")
    assert (page.evaluate(card)) == before[1]


def test_the_first_screen_says_what_to_do(show: Open) -> None:
    page = show()
    action = page.locator("#priorities td").first.bounding_box()
    assert action is not None
    assert action["y"] < WIDE[1]
    assert page.locator(".areas small").first.is_visible()


def test_a_picture_that_would_be_too_small_scrolls_in_its_box(show: Open) -> None:
    page = show(PHONE)
    canvas = page.locator(".canvas").first
    assert canvas.evaluate("e => e.scrollWidth > e.clientWidth && e.scrollLeft === 0")
    page.get_by_role("button", name="Fit to width").first.click()
    assert canvas.evaluate("e => e.scrollWidth <= e.clientWidth")
    page.get_by_role("button", name="Actual size").first.click()
    assert canvas.evaluate("e => e.scrollWidth > e.clientWidth")


def test_a_picture_that_fits_has_no_button_for_its_size(show: Open) -> None:
    page = show()
    assert page.locator(".picture svg").first.is_visible()
    assert page.locator(".zoom").first.is_hidden()


def test_commands_can_be_copied(show: Open) -> None:
    page = show(permissions=["clipboard-read", "clipboard-write"])
    page.locator("#commands .copy").first.click()
    text = page.locator("#commands pre").first.text_content()
    page.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == text


def test_a_category_opens_the_diagram_of_its_services(show: Open) -> None:
    page = show()
    node = page.locator(".topology .node").first
    name = node.get_attribute("data-service") or ""
    services = page.locator(f"{node.get_attribute('href')} .node")
    assert "(" in name
    assert not services.first.is_visible()
    node.click()
    services.first.wait_for()


def test_without_scripts_pictures_and_tables_are_there(show: Open) -> None:
    page = show(java_script_enabled=False)
    assert page.locator(".tools").is_hidden()
    assert page.locator(".topology").first.is_visible()
    assert page.locator("#inventory table").first.locator("tr").count() == 61
    page.locator("#findings summary").click()
    assert page.locator("#findings td").first.is_visible()


def test_on_a_phone_rows_are_cards_with_their_headings(show: Open) -> None:
    page = show(PHONE)
    cell = page.locator("#inventory td").nth(1)
    cell.scroll_into_view_if_needed()
    label = "getComputedStyle(document.querySelectorAll('#inventory td')[1], '::before').content"
    assert page.evaluate(label) == '"Image or build"'
    box = cell.bounding_box()
    assert box is not None
    assert box["x"] + box["width"] <= PHONE[0]
