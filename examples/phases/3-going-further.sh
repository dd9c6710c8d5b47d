#!/bin/sh
# Two variants side by side, a budget, scaling rules tried before they cost anything, two regions.
set -eu
hearth=${HEARTH:-npx hearth}
here=$(cd "$(dirname "$0")/.." && pwd)
out=hearth-phases/3
mkdir -p "$out"

# 1. Two deployments: the same workflow, each with a worker of its own. They run at the same time.
workers=
trap 'for pid in $workers; do kill "$pid" 2>/dev/null || true; done; wait' EXIT
for variant in a b; do
  $hearth deployments create "variant-$variant" || true
  HEARTH_ENROLLMENT_TOKEN=$($hearth workers token create --deployment "variant-$variant" --valid 1h)
  export HEARTH_ENROLLMENT_TOKEN
  $hearth worker --gateway "${HEARTH_URL:-http://127.0.0.1:8787}" --name "worker-$variant" \
    --folder "$out/worker-$variant" >"$out/worker-$variant.log" 2>&1 &
  workers="$workers $!"
done
for variant in a b; do
  for seed in 1 2 3; do
    $hearth run "$here/first-picture.json" --deployment "variant-$variant" \
      --metadata "seed=$seed" --out "$out/$variant-$seed" --force
  done &
  runs="${runs:-} $!"
done
for pid in $runs; do wait "$pid"; done

# 2. Which variant does better.
$hearth stats --since 1h --by deployment

# 3. Nobody spends more than this in a day, whatever they submit.
$hearth budgets set --deployment variant-a --cap 5 --period day --reserve 0.01

# 4. Rules of scaling, on two weeks of made-up traffic in your shape, before they cost anything.
$hearth simulate scaling --policy balanced,keda --out "$out/plots"

# 5. Where this would run best, and in which regions the same release goes.
$hearth advise --workflow "$here/first-picture.json" --vram 8GB --weights 4GB --seconds 10 \
  --requests-per-day 5000 --latency 60s --limit 5
for region in europe-west4 us-central1; do
  $hearth deploy render cloud-run --name "portraits-$region" --region "$region" \
    --image registry.example/portraits:1 --gateway https://hearth.example --out "$out/$region"
done
