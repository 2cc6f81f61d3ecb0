#!/usr/bin/env bash
# Installs what `make install` has built, or removes it again.
#
#     Scripts/install.sh PREFIX BUILD        # BUILD: the folder of the built programs, such as .build/release
#     Scripts/install.sh --remove PREFIX
#
# PREFIX/bin gets the binary, PREFIX/share/unfold the model, sets and specifications that ship, where the binary finds them;
# manual pages and completions go to their usual places. DESTDIR is put in front of PREFIX, as packagers expect.
# PREFIX/share/unfold/installed lists every file and every folder (with a / at its end) that was made: --remove takes away
# these and nothing else. Installing again removes first what the last installation has left.
set -euo pipefail
cd "$(dirname "$0")/.."

list=share/unfold/installed

# Removes what the list names, the last made first. Folders that hold something of others stay.
remove() {
  local root="$1" saved entry
  saved="$(awk '{ line[NR] = $0 } END { for (i = NR; i > 0; i--) print line[i] }' "$root/$list")"
  rm -f "$root/$list"
  while IFS= read -r entry; do
    case "/$entry/" in
      //* | */../*) echo "$root/$list names what lies outside: $entry" >&2; exit 1 ;;
    esac
    case "$entry" in
      */) rmdir "$root/$entry" 2>/dev/null || true ;;
      *) rm -f "$root/$entry" ;;
    esac
  done <<<"$saved"
}

if [ "${1:-}" = --remove ]; then
  root="${DESTDIR:-}$2"
  [ -f "$root/$list" ] || { echo "Unfold is not installed in $root (no $list there)" >&2; exit 1; }
  remove "$root"
  echo "Removed Unfold from $root"
  exit 0
fi

prefix="$1" build="$2"
case "$prefix" in /*) ;; *) echo "PREFIX must begin with /, found: $prefix" >&2; exit 1 ;; esac
root="${DESTDIR:-}$prefix"
[ ! -f "$root/$list" ] || remove "$root"
entries=()

# A folder below the root, and those above it, noted where they are new.
folder() {
  [ "$1" != . ] || { mkdir -p "$root"; return 0; }
  [ -d "$root/$1" ] && return 0
  folder "$(dirname "$1")"
  mkdir "$root/$1"
  entries+=("$1/")
}

# put MODE SOURCE TARGET
put() {
  folder "$(dirname "$3")"
  install -m "$1" "$2" "$root/$3"
  entries+=("$3")
}

made="$(mktemp -d)"
folder share/unfold
# Where something fails half way, what is there already stands on the list and can be removed.
trap 'printf "%s\n" "${entries[@]}" >"$root/$list"; rm -rf "$made"' EXIT

put 755 "$build/unfold" bin/unfold
while IFS= read -r file; do
  put 644 "$file" "share/unfold/$file"
done < <(find models/*/ datasets probes -maxdepth 1 -type f \
  \( -name '*.json' -o -name '*.jsonl' -o -name '*.safetensors' -o -name '*.yaml' -o -name '*.md' \) | sort)

"$build/generate-manual" "$build/unfold" --multi-page --output-directory "$made" >/dev/null
for page in "$made"/*.1; do
  # unfold.probe.train becomes unfold-probe-train, which `man unfold probe` looks for; mdoc wants no empty lines.
  perl -pe 's/^$/.Pp/; if (/^\.(Xr|Dt) /) { 1 while s/(unfold[a-z-]*)\.([a-z])/$1-$2/i }' "$page" >"$made/page"
  name="$(basename "$page" .1)"
  put 644 "$made/page" "share/man/man1/${name//./-}.1"
done
complete() {
  "$build/unfold" --generate-completion-script "$1" >"$made/completion"
  put 644 "$made/completion" "$2"
}
complete bash share/bash-completion/completions/unfold
complete zsh share/zsh/site-functions/_unfold
complete fish share/fish/vendor_completions.d/unfold.fish
echo "Installed $prefix/bin/unfold, and what it needs in $prefix/share"
