#!/usr/bin/env bash
# Makes what the checks of pages in a real browser need: Debian's Chromium, and a Python environment that drives it, in
# build/browser/venv. Where neither can be had the checks are left out, which the tests say.
set -euo pipefail
cd "$(dirname "$0")/../.."

if ! command -v chromium >/dev/null && command -v apt-get >/dev/null; then
  Scripts/setup.sh chromium || { echo "Chromium cannot be installed: pages are not looked at in a browser."; exit 0; }
fi
venv=build/browser/venv
if ! [ -x "$venv/bin/python" ] || ! "$venv/bin/python" -c "import playwright, axe_playwright_python" 2>/dev/null; then
  echo "Making a Python environment in $venv"
  { python3 -m venv "$venv" && "$venv/bin/pip" install -q -r Scripts/browser/requirements.txt; } ||
    { echo "The environment cannot be made: pages are not looked at in a browser."; rm -rf "$venv"; exit 0; }
fi
