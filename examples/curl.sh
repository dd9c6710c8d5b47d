#!/bin/sh
# Upload a picture, run a workflow on it, save the result: curl and jq against Hearth.
#
#   examples/curl.sh photo.png inverted.png
set -eu

base=${HEARTH_URL:-http://127.0.0.1:8787}
input=${1:-photo.png}
output=${2:-inverted.png}
here=$(dirname "$0")

api() {
  if [ -n "${HEARTH_API_KEY:-}" ]; then
    curl -fsS -H "Authorization: Bearer $HEARTH_API_KEY" "$@"
  else
    curl -fsS "$@"
  fi
}

# 1. The picture becomes an asset.
asset=$(api "$base/api/v2/assets" \
  -F content_type=image/png -F "file_path=$(basename "$input")" -F "file=@$input" | jq -r .id)

# 2. The workflow refers to it; a key of our own makes a repeated request harmless.
workflow=$(jq --arg id "$asset" \
  '.["10"].inputs.image = {__type: "core/ASSET", info: {id: $id}}' "$here/invert-upload.json")
job=$(api "$base/api/v2/jobs" -H 'Content-Type: application/json' \
  -H "Idempotency-Key: $(date +%s)-$$" -d "{\"workflow\": $workflow}" | jq -r .id)
echo "job $job" >&2

# 3. Until it has ended.
while :; do
  answer=$(api "$base/api/v2/jobs/$job")
  status=$(echo "$answer" | jq -r .status)
  case $status in
    succeeded) break ;;
    failed | canceled | expired)
      echo "$answer" | jq .error >&2
      exit 1
      ;;
  esac
  sleep 1
done

# 4. The result.
result=$(echo "$answer" | jq -r '.outputs[0].id')
api -L -o "$output" "$base/api/v2/assets/$result/content"
echo "$output"
