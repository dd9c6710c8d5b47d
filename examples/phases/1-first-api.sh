#!/bin/sh
# A workflow becomes an API, and the smallest deployment of it in a cloud is written down.
set -eu
hearth=${HEARTH:-npx hearth}
here=$(cd "$(dirname "$0")/.." && pwd)
out=hearth-phases/1
mkdir -p "$out"

# 1. What the workflow needs, before anything is paid for.
$hearth inspect "$here/first-picture.json"

# 2. It runs: upload, queue, progress, result. Clients do the same over HTTP (examples/curl.sh).
$hearth run "$here/first-picture.json" --out "$out" --force

# 3. Where else it would fit, and why not elsewhere.
$hearth check "$here/first-picture.json" --vram 8GB --seconds 20

# 4. The same workers in a cloud, on the smallest card that each has.
for where in modal:t4 container-apps:t4 cloud-run:l4; do
  $hearth deploy render "${where%:*}" --name first-api --gpu "${where#*:}" --memory 8 \
    --image registry.example/first-api:1 --gateway https://hearth.example --out "$out/${where%:*}"
done
