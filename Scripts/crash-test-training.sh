#!/usr/bin/env bash
# Kills a training run at random moments, resumes it, and compares the dictionary with that of an undisturbed run.
#
#   Scripts/crash-test-training.sh [KILLS] [ARCHITECTURE] [MODEL] [CORPUS]
#
# The weights must be equal byte for byte, and the metrics line for line.
set -euo pipefail
kills=${1:-20}
architecture=${2:-topk}
model=${3:-unfold-mini}
corpus=${4:-demo-corpus}
root=$(cd "$(dirname "$0")/.." && pwd)
unfold=${UNFOLD:-$root/.build/release/unfold}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$unfold" capture "$model" "$corpus" -o "$work/store" --sites resid_post --layers 2 --quiet > /dev/null
flags=(--sites resid_post --layers 2 --architecture "$architecture" --latents 512 --k 8 --batch 512
  --tokens "${TOKENS:-400000}" --shuffle 8192 --dead-after 50000 --checkpoint-steps 20 --quiet)

start=$(date +%s%N)
"$unfold" sae train "$work/store" -o "$work/whole" "${flags[@]}" > /dev/null
milliseconds=$((($(date +%s%N) - start) / 1000000))
echo "undisturbed: $milliseconds ms"
done_kills=0
rounds=0
while [ "$done_kills" -lt "$kills" ]; do
  rounds=$((rounds + 1))
  rm -rf "$work/killed"
  while true; do
    "$unfold" sae train "$work/store" -o "$work/killed" "${flags[@]}" --resume > /dev/null 2> "$work/error" &
    process=$!
    if [ "$done_kills" -lt "$kills" ]; then
      sleep "$(awk -v s="$RANDOM" -v m="$milliseconds" 'BEGIN { printf "%.3f", 0.05 + s / 32768 * m / 1000 * 0.7 }')"
      # Every third time it is asked to stop, and must say that it can go on.
      if [ $((done_kills % 3)) = 2 ]; then signal=INT; else signal=KILL; fi
      if kill -$signal "$process" 2> /dev/null; then done_kills=$((done_kills + 1)); fi
    fi
    status=0
    wait "$process" 2> /dev/null || status=$?
    case $status in
      0) break ;;
      75 | 137) ;;
      *) echo "status $status:"; cat "$work/error"; exit 1 ;;
    esac
  done
  for file in sae_weights.safetensors cfg.json training/metrics.jsonl; do
    cmp "$work/whole/$file" "$work/killed/$file" || { echo "round $rounds: $file differs"; exit 1; }
  done
  echo "round $rounds: $done_kills stops so far, every byte equal"
done
echo "passed: $done_kills stops in $rounds rounds"
