"""The page of one deal in a real browser: for everybody, on every width, with the keyboard alone, under our headers."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from shutil import which

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from serving.web.app import create_app
from serving.web.guard import Served
from serving.web.settings import WebSettings
from tests.serving.web.conftest import PASSWORD
from tests.serving.web.test_deal import store as store  # noqa: PLC0414 the fixture of a deal with all that there can be

GRAVE = ("serious", "critical")
AT_MOST = 200
"""So often the tab key is pressed at most to come round."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    program = which("chromium") or which("chromium-browser") or which("google-chrome")
    if program is None:
        pytest.skip("no Chromium on this machine: pages were not looked at in a browser")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=str(Path(program)), args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def address(store) -> Iterator[str]:
    """The pages, served as they are in earnest."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(create_app(Served(store, WebSettings())), port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started and thread.is_alive():
        thread.join(0.02)
    assert server.started
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)


def opened(browser: Browser, address: str, width: int, scheme: str) -> tuple[Page, list[str]]:
    """The page as ada sees it, and what the browser complained of."""
    page = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme).new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(f"{address}/deals/a")
    page.fill("[name=username]", "ada")
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    page.wait_for_url("**/deals/a")
    return page, said


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark"), (1280, "dark"), (390, "light")])
def test_nobody_is_kept_out_and_nothing_runs_over(browser, address, width, scheme):
    page, said = opened(browser, address, width, scheme)
    assert said == [], "the browser refused something of ours"
    page.eval_on_selector_all("details", "all => all.forEach(one => one.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    over = page.evaluate(
        "[...document.querySelectorAll('main *')].filter(one => one.getBoundingClientRect().right > innerWidth + 1)"
        ".map(one => one.outerHTML.slice(0, 80))"
    )
    assert over == []
    found = Axe().run(page).response["violations"]
    assert [(one["id"], [node["html"] for node in one["nodes"]][:3]) for one in found if one["impact"] in GRAVE] == []


def test_the_keyboard_reaches_everything_and_gives_a_verdict(browser, address, store):
    page, _ = opened(browser, address, 1280, "light")
    wanted = page.eval_on_selector_all(
        "a[href], button, summary, input:not([type=hidden])",
        "all => all.filter(one => one.checkVisibility()).map((one, place) => one.dataset.place = String(place))",
    )
    reached = set()
    for _ in range(AT_MOST):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.dataset.place ?? ''"))
    assert set(wanted) <= reached
    page.locator("summary", has_text="Override").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("25 %")
    page.keyboard.press("Tab")
    page.keyboard.type("budget frozen")
    page.keyboard.press("Enter")
    page.wait_for_url("**/deals/a#people")
    assert "too high, 25" in page.inner_text("main")
    assert [(row["author"], row["note"]) for row in store.feedback("a")] == [("Ada", "budget frozen")]


def test_a_drawing_says_in_words_what_it_shows(browser, address):
    page, _ = opened(browser, address, 1280, "light")
    drawings = page.eval_on_selector_all(
        "main svg", "all => all.filter(one => one.checkVisibility()).map(one => [one.role, one.ariaLabel])"
    )
    assert len(drawings) >= 3
    assert all(role == "img" and label for role, label in drawings)
