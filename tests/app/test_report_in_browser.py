"""The report in a browser: nothing cut off, nothing loaded, usable by keyboard."""

import shutil
from itertools import pairwise

import pytest
from report_pages import NAMES, render

WIDTHS = (390, 768, 1600)

# Elements of which a part is outside the window, but for those in what scrolls.
CUT_OFF = """
return [...document.body.querySelectorAll("*")].filter((element) => {
  if (element.closest(".scroll > *, .unseen, .store, dialog:not([open])")) return false;
  if (!element.checkVisibility()) return false;
  const box = element.getBoundingClientRect();
  const hides = getComputedStyle(element).overflowX === "hidden";
  return box.width > 1 && (box.left < -0.5 || box.right > innerWidth + 0.5
    || (hides && element.scrollWidth > element.clientWidth));
}).map((element) => element.outerHTML.slice(0, 120));
"""

# Texts whose contrast with what is behind them is too low, by WCAG's formula.
LOW_CONTRAST = r"""
function parse(text) {
  const [red, green, blue, alpha = 1] = text.match(/-?[\d.]+(e-\d+)?/g).map(Number);
  const unit = text.startsWith("color(") ? 1 : 255;
  return [red / unit, green / unit, blue / unit, alpha];
}
function over(top, under) {
  return [0, 1, 2].map((i) => top[i] * top[3] + under[i] * (1 - top[3]));
}
function behind(element) {
  const layers = [];
  for (let at = element; at; at = at.parentElement ?? at.getRootNode().host) {
    layers.push(parse(getComputedStyle(at).backgroundColor));
  }
  return layers.reverse().reduce((under, top) => over(top, under), [1, 1, 1]);
}
function luminance(color) {
  const [red, green, blue] = color.map((x) =>
    x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
const shadow = document.querySelector(".steps").shadowRoot;
const all = [...document.body.querySelectorAll("*"), ...shadow.querySelectorAll("*")];
const texts = all.filter((element) =>
  !["SCRIPT", "STYLE", "TITLE", "DESC", "title", "desc"].includes(element.tagName)
  && element.checkVisibility()
  && [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()));
const low = texts.filter((element) => {
  const style = getComputedStyle(element);
  const under = behind(element);
  const ink = over(parse(element.closest("svg") ? style.fill : style.color), under);
  const [dark, light] = [luminance(ink), luminance(under)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05) < 4.5;
});
return [texts.length, low.map((element) => element.outerHTML.slice(0, 120))];
"""


@pytest.fixture(scope="module")
def browser():
    selenium = pytest.importorskip("selenium.webdriver")
    chromium, driver = map(shutil.which, ("chromium", "chromedriver"))
    if not (chromium and driver):
        pytest.skip("no chromium and chromedriver: apt-get install chromium-driver")
    options = selenium.ChromeOptions()
    options.binary_location = chromium
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = selenium.ChromeService(executable_path=driver)
    with selenium.Chrome(options=options, service=service) as browser:
        yield browser


@pytest.fixture(scope="module")
def address(trained, tmp_path_factory):
    page = render(trained)
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(page, encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def page(browser, address):
    """Return the browser with the page as it comes, 1600 pixels wide and light."""
    show(browser, 1600)
    browser.get(address)
    return browser


def show(browser, width, scheme="light", medium="screen"):
    features = [
        {"name": "prefers-color-scheme", "value": scheme},
        {"name": "prefers-reduced-motion", "value": "reduce"},
    ]
    emulated = {"media": medium, "features": features}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", emulated)
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def press(browser, *keys):
    from selenium.webdriver import ActionChains

    ActionChains(browser).send_keys(*keys).perform()


def open_all(browser):
    """Open whatever a click opens, but for dialogs."""
    browser.execute_script("""
        const shadow = document.querySelector(".steps").shadowRoot;
        for (const root of [document, shadow]) {
          for (const details of root.querySelectorAll("details")) details.open = true;
        }
        for (const box of shadow.querySelectorAll("input")) box.checked = true;
    """)


def find_cut_off(browser):
    wide = "return document.documentElement.scrollWidth > innerWidth"
    found = browser.execute_script(CUT_OFF)
    return ["the page", *found] if browser.execute_script(wide) else found


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_cut_off(page, width):
    show(page, width)
    assert find_cut_off(page) == []
    open_all(page)
    assert find_cut_off(page) == []
    page.execute_script("document.querySelector('dialog').showModal()")
    assert find_cut_off(page) == []


def test_nothing_is_loaded_and_nothing_is_wrong(page):
    assert page.execute_script("return performance.getEntriesByType('resource')") == []
    assert page.get_log("browser") == []
    assert page.execute_script("return document.images.length") > len(NAMES)
    loaded = "return [...document.images].every((image) => image.naturalWidth > 0)"
    assert page.execute_script(loaded)
    page.execute_script("""
        window.refused = [];
        document.addEventListener("securitypolicyviolation",
          (event) => window.refused.push(event.violatedDirective));
        new Image().src = "https://example.org/x.png";
    """)
    page.execute_async_script("setTimeout(arguments[0], 50)")
    assert page.execute_script("return window.refused") == ["img-src"]
    page.get_log("browser")  # which tells of it


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast(page, scheme):
    show(page, 1200, scheme)
    open_all(page)
    page.execute_script("document.querySelector('dialog').showModal()")
    n_texts, low = page.execute_script(LOW_CONTRAST)
    assert n_texts > 300
    assert low == []


def test_dark_is_dark(page):
    color = "return getComputedStyle(document.body).backgroundColor"
    light = page.execute_script(color)
    show(page, 1600, "dark")
    dark = page.execute_script(color)
    assert light == "rgb(251, 250, 247)"
    assert dark == "rgb(21, 22, 26)"


def test_a_cell_opens_by_keyboard_and_gives_the_focus_back(page):
    from selenium.webdriver import Keys

    focused = "return document.activeElement.getAttribute('commandfor')"
    page.execute_script("document.querySelector('.matrix button').focus()")
    assert page.execute_script(focused) == "cell-0-0"
    press(page, Keys.ARROW_RIGHT)
    cell = page.execute_script(focused)
    row, column = map(int, cell.split("-")[1:])
    assert row == 0 < column
    n = page.execute_script("return document.activeElement.textContent")
    press(page, Keys.ENTER)
    opened = page.execute_script(
        "const dialog = document.querySelector('dialog[open]');"
        "return [dialog.id, dialog.querySelectorAll('.image').length,"
        "dialog.querySelector('h2').textContent, document.activeElement.textContent]"
    )
    names = sorted(NAMES)
    assert opened == [cell, int(n), f"{names[0]} predicted as {names[column]}", "Close"]
    press(page, Keys.ESCAPE)
    assert page.execute_script("return document.querySelector('dialog[open]')") is None
    assert page.execute_script(focused) == cell
    press(page, Keys.ENTER)
    press(page, Keys.ENTER)  # on the button that closes
    assert page.execute_script("return document.querySelector('dialog[open]')") is None
    assert page.execute_script(focused) == cell


def test_tab_stops_once_in_the_matrix_and_first_at_the_link_past_the_top(page):
    from selenium.webdriver import Keys

    stops = "return document.querySelectorAll('.matrix button[tabindex=\"0\"]').length"
    assert page.execute_script(stops) == 1
    press(page, Keys.TAB)
    where = "return document.activeElement.getAttribute('href')"
    assert page.execute_script(where) == "#main"
    visible = "return document.activeElement.getBoundingClientRect().top >= 0"
    assert page.execute_script(visible)
    press(page, Keys.ENTER)
    assert page.execute_script("return document.activeElement.id") == "main"


def test_cells_open_without_scripts(page):
    from selenium.webdriver import Keys

    off = {"value": True}
    page.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", off)
    try:
        page.refresh()
        button = page.find_element("css selector", ".matrix button")
        button.send_keys(Keys.ENTER)
        dialog = page.find_element("css selector", "dialog[open]")
        assert dialog.get_attribute("id") == "cell-0-0"
    finally:
        page.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_browsers_that_know_no_commands(page):
    """There the script opens and closes dialogs."""
    from selenium.webdriver import Keys

    source = {"source": "delete HTMLButtonElement.prototype.command;"}
    added = page.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", source)
    page.refresh()
    page.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)
    page.execute_script("""
        for (const button of document.querySelectorAll("[command]")) {
          button.addEventListener("click", (event) => event.preventDefault());
        }
        document.querySelector(".matrix button").focus();
    """)
    press(page, Keys.ENTER)
    opened = "return document.querySelectorAll('dialog[open]').length"
    assert page.execute_script(opened) == 1
    press(page, Keys.ENTER)
    assert page.execute_script(opened) == 0


def test_headings_and_landmarks(page):
    levels = page.execute_script(
        "return [...document.querySelectorAll('h1, h2, h3')]"
        ".filter((heading) => !heading.closest('dialog'))"
        ".map((heading) => Number(heading.tagName[1]))"
    )
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))
    for landmark in ("main", "nav", "body > header", "body > footer"):
        assert len(page.find_elements("css selector", landmark)) == 1
    unnamed = (
        "return [...document.querySelectorAll('[role=region], nav, dialog, section')]"
    )
    unnamed += (
        ".filter((e) => !e.ariaLabel && !e.getAttribute('aria-labelledby')).length"
    )
    assert page.execute_script(unnamed) == 0
    assert page.execute_script(
        "return [...document.querySelectorAll('[aria-labelledby]')].every((element) =>"
        "element.getAttribute('aria-labelledby').split(' ')"
        ".every((id) => document.getElementById(id)?.textContent))"
    )


def test_on_paper_tables_are_whole(page):
    show(page, 800, medium="print")
    overflow = "return getComputedStyle(document.querySelector('.tall')).overflowY"
    assert page.execute_script(overflow) == "visible"
    assert not page.find_element("css selector", "nav").is_displayed()
