#!/bin/sh
# What production adds: refusals that name the field, a lock, a warm worker, and figures.
set -eu
hearth=${HEARTH:-npx hearth}
here=$(cd "$(dirname "$0")/.." && pwd)
out=hearth-phases/2
mkdir -p "$out"

# 1. A workflow with a class that nobody has is refused before it costs anything.
printf '{"1": {"class_type": "NoSuchNode", "inputs": {}}}' >"$out/broken.json"
if $hearth run "$out/broken.json" --out "$out" 2>"$out/refusal.txt"; then
  echo "a broken workflow was accepted" >&2
  exit 1
fi
cat "$out/refusal.txt"

# 2. The lock says what every worker has: ComfyUI, packs at commits, models by hash.
cp "$here/first-picture.json" "$out/workflow.json"
(cd "$out" && $hearth init workflow.json --name production --force)
$hearth deployments release default --lock "$out/hearth.lock"

# 3. One worker stays warm, more come when that pays.
$hearth scale set default --min 1 --max 3 --strategy balanced
$hearth scale ls

# 4. A job, and where its time went.
id=$($hearth run "$here/first-picture.json" --no-wait)
$hearth jobs watch "$id"
$hearth jobs get "$id" --out "$out" --force
$hearth jobs why "$id"
$hearth stats --since 1h
$hearth scale set default --off
