#!/usr/bin/env python3
"""Takes the picture of the top of a page: python picture.py PAGE.html PICTURE.png [WIDTH HEIGHT]"""
import pathlib
import shutil
import sys

from playwright.sync_api import sync_playwright

page, picture = map(pathlib.Path, sys.argv[1:3])
width, height = (int(number) for number in sys.argv[3:5]) if len(sys.argv) > 4 else (1100, 720)
with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
    view = browser.new_page(viewport={"width": width, "height": height})
    view.goto(page.resolve().as_uri())
    view.screenshot(path=picture)
