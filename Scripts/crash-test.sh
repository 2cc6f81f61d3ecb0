#!/usr/bin/env bash
# Kills a capture at random moments, resumes it, and compares the end with that of an undisturbed run.
#
#   [SITES=…] Scripts/crash-test.sh [KILLS] [MODEL] [CORPUS]
#
# Every dataset must be equal, and no kill may cost more than the shard it fell into.
set -euo pipefail
kills=${1:-50}
model=${2:-unfold-mini}
corpus=${3:-demo-corpus}
root=$(cd "$(dirname "$0")/.." && pwd)
unfold=${UNFOLD:-$root/.build/release/unfold}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
flags=(--sites "${SITES:-resid_post,mlp_post}" --batch-tokens 512 --shard-tokens "${SHARD_TOKENS:-1024}" --top 8 --quiet)

"$unfold" capture "$model" "$corpus" -o "$work/whole" "${flags[@]}" > /dev/null
shards=$(ls "$work/whole" | grep -c '^shard-.*\.h5$')
echo "undisturbed: $shards shards"
[ "$shards" -ge 20 ] || { echo "too few shards: lower SHARD_TOKENS"; exit 1; }

start=$(date +%s%N)
"$unfold" capture "$model" "$corpus" -o "$work/timed" "${flags[@]}" > /dev/null
milliseconds=$((($(date +%s%N) - start) / 1000000))
rm -rf "$work/timed"

# Name, inode, size and time of each shard: a shard that was written again has another inode.
fingerprints() {
  [ -d "$1" ] || return 0
  find "$1" -maxdepth 1 -name 'shard-*.h5' -printf '%f %i %s %T@\n' | sort
}

done_kills=0
rounds=0
while [ "$done_kills" -lt "$kills" ]; do
  rounds=$((rounds + 1))
  store=$work/killed
  rm -rf "$store"
  # A round: kills at random moments until the run is complete.
  while true; do
    fingerprints "$store" > "$work/before"
    "$unfold" capture "$model" "$corpus" -o "$store" "${flags[@]}" --resume > /dev/null 2> "$work/error" &
    process=$!
    if [ "$done_kills" -lt "$kills" ]; then
      sleep "$(awk -v s="$RANDOM" -v m="$milliseconds" 'BEGIN { printf "%.3f", 0.05 + s / 32768 * m / 1000 * 0.6 }')"
      if kill -9 "$process" 2> /dev/null; then done_kills=$((done_kills + 1)); fi
    fi
    if wait "$process" 2> /dev/null; then break; fi
    # Finished shards stay as they are, untouched: at most the last, which the manifest may not name yet, is made again.
    fingerprints "$store" > "$work/after"
    changed=$(comm -23 "$work/before" "$work/after" | wc -l)
    [ "$changed" -le 1 ] || { echo "a kill cost $changed shards"; exit 1; }
    if [ "$done_kills" -gt "$kills" ]; then echo "a run does not end:"; cat "$work/error"; exit 1; fi
  done
  for file in "$work"/whole/*.h5; do
    cmp "$file" "$store/$(basename "$file")" || { echo "round $rounds differs"; exit 1; }
  done
  [ "${VERIFY:-1}" = 0 ] || "$unfold" store verify "$store" > /dev/null
  echo "round $rounds: $done_kills kills so far, every file equal"
done
echo "passed: $done_kills kills in $rounds rounds"
