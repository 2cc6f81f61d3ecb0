#!/usr/bin/env bash
# Installs the Debian packages named as arguments that are missing, and says so; without apt-get it names Homebrew's.
set -euo pipefail

if ! command -v apt-get >/dev/null; then
  if command -v brew >/dev/null; then
    missing=()
    for formula in hdf5 openblas onednn oniguruma pkg-config; do
      brew list --formula "$formula" >/dev/null 2>&1 || missing+=("$formula")
    done
    [ ${#missing[@]} -eq 0 ] || { echo "Please run: brew install ${missing[*]}" >&2; exit 1; }
    exit 0
  fi
  echo "Neither apt-get nor brew is here. Unfold needs HDF5, OpenBLAS, oneDNN, Oniguruma, zlib and pkg-config with headers." >&2
  exit 0
fi

missing=()
for package in "$@"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

sudo=""
[ "$(id -u)" -eq 0 ] || sudo="sudo"
echo "Installing system packages: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
# A package list may be days old, so it is renewed first; its failure matters only if the installation fails too.
$sudo apt-get update -qq || true
$sudo apt-get install -y -qq --no-install-recommends "${missing[@]}"
