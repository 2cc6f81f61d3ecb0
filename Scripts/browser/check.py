#!/usr/bin/env python3
"""Looks at pages in a real browser, without a network: python check.py PAGE.html… [--shots FOLDER]

Fails, with a line for each fault, where a page writes to the console, asks for anything outside itself, is wider than a narrow
window, paints late, has a serious fault of accessibility (axe-core), or where hover, keys, sorting, searching or locking a head
do not work.
"""
import argparse
import pathlib
import re
import shutil
import sys

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright


def number(text):
    found = re.match(r"[^\d+-]*([+-]?[\d,]*\.?\d+(?:e[+-]?\d+)?)", text.replace("−", "-"))
    return float(found[1].replace(",", "")) if found else None


def look(browser, file, scheme, width, shots, faults, is_first):
    context = browser.new_context(viewport={"width": width, "height": 1000}, color_scheme=scheme)
    page = context.new_page()

    def fault(words):
        faults.append(f"{file.name} at {width} px, {scheme}: {words}")

    page.on("console", lambda message: fault(f"the console says: {message.text}"))
    page.on("pageerror", lambda error: fault(f"a script fails: {error}"))
    page.on("dialog", lambda dialog: (fault(f"a dialog opens: {dialog.message}"), dialog.dismiss()))
    page.on("request", lambda request: request.url.split("#")[0] == file.as_uri() or fault(f"asks for {request.url}"))
    page.goto(file.as_uri())
    paint = page.evaluate("""() => new Promise((done) => new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) if (entry.name === "first-contentful-paint") done(entry.startTime);
    }).observe({ type: "paint", buffered: true }))""")
    if paint > 1000:
        fault(f"first paint after {paint:.0f} ms")
    over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    if over > 0:
        fault(f"{over} px wider than the window")
    if shots:
        page.screenshot(path=shots / f"{file.stem}-{width}-{scheme}.png", full_page=True)
    if is_first:
        tokens(page, fault)
        tables(page, fault)
        heads(page, fault)
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]})
    for violation in found.response["violations"]:
        if violation["impact"] in ("serious", "critical"):
            nodes = "; ".join(
                f"{node['html'][:100]} ({node.get('failureSummary', '').splitlines()[-1].strip()})" for node in violation["nodes"][:2])
            fault(f"axe: {violation['id']} ({violation['impact']}): {nodes}")
    context.close()
    return paint


def tokens(page, fault):
    """A token's figures at the pointer, and by the arrow keys."""
    if page.locator(".tokens .t[data-v]").count() == 0:
        return
    if page.locator(".tokens .t[data-v]:visible").count() == 0:
        page.locator("details summary").first.click()
    token = page.locator(".tokens .t[data-v]:visible").first
    token.scroll_into_view_if_needed()
    token.hover()
    value = token.get_attribute("data-v")
    tip = page.locator("#tip")
    if not tip.is_visible() or value not in tip.inner_text():
        fault("pointing at a token does not show its value")
    page.keyboard.press("Escape")
    if tip.is_visible():
        fault("Escape does not hide what a token says")
    page.mouse.move(0, 0)
    text = page.locator(".tokens:visible").filter(has=page.locator(".t[data-v]")).first
    text.focus()
    page.keyboard.press("ArrowRight")
    if not tip.is_visible():
        fault("the arrow keys do not show a token's figures")
    page.keyboard.press("Escape")


def tables(page, fault):
    """Sorting by a column of numbers, and searching."""
    for place in range(page.locator("[data-table]").count()):
        table = page.locator("[data-table]").nth(place)
        heads = table.locator("thead th.number button")
        if heads.count() == 0 or not table.is_visible():
            continue
        column = table.evaluate("t => [...t.querySelectorAll('thead th')].findIndex(h => h.classList.contains('number'))")
        for order in ("descending", "ascending"):
            heads.first.click()
            if table.locator(f"th[aria-sort={order}]").count() != 1:
                fault(f"table {place + 1} does not say that it is {order}")
            cells = table.evaluate(f"t => [...t.querySelectorAll('tbody tr')].map(r => r.children[{column}].textContent)")
            values = [value for value in map(number, cells) if value is not None]
            if values != sorted(values, reverse=order == "descending"):
                fault(f"table {place + 1} is not {order}")
        search = table.locator("input[type=search]")
        if search.count() == 1:
            search.fill("no row has this")
            page.wait_for_timeout(150)
            if table.locator("tbody tr").count() != 0:
                fault(f"searching table {place + 1} leaves rows that do not match")
            search.fill("")
            page.wait_for_timeout(150)
            if table.locator("tbody tr").count() == 0:
                fault(f"table {place + 1} stays empty after a search")


def heads(page, fault):
    """A head is enlarged by pointing and locked by a click; the arrow keys go from head to head."""
    buttons = page.locator("[data-maps] .heads button")
    if buttons.count() < 2:
        return
    buttons.nth(1).click()
    buttons.nth(0).hover()
    name = page.locator("[data-maps] .name").first
    if "head 1" not in name.inner_text() or "locked" not in name.inner_text():
        fault("a click does not lock a head")
    buttons.nth(1).click()
    buttons.nth(0).focus()
    page.keyboard.press("ArrowRight")
    if page.evaluate("document.activeElement.getAttribute('aria-label')") != buttons.nth(1).get_attribute("aria-label"):
        fault("the arrow keys do not go from head to head")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pages", nargs="+", type=pathlib.Path)
    parser.add_argument("--shots", type=pathlib.Path, help="a folder for pictures of the pages")
    arguments = parser.parse_args()
    if arguments.shots:
        arguments.shots.mkdir(parents=True, exist_ok=True)
    faults = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for page in arguments.pages:
            file = page.resolve()
            size = file.stat().st_size
            if size > 20 << 20:
                faults.append(f"{file.name}: {size >> 20} MB")
            paint = look(browser, file, "light", 1400, arguments.shots, faults, True)
            look(browser, file, "dark", 1400, arguments.shots, faults, False)
            look(browser, file, "light", 400, arguments.shots, faults, False)
            print(f"{file.name}: {size / 1024:.0f} KiB, first paint after {paint:.0f} ms")
        browser.close()
    for fault in faults:
        print("fault:", fault)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
