import type { ImageLayer } from "./image-layers.ts";

/** The Dockerfile of a plan: stages in order, each layer under a comment that says what it is. */
export function printDockerfile(layers: readonly ImageLayer[]): string {
  const lines = [
    // ADD --checksum and cache mounts need it.
    "# syntax=docker/dockerfile:1.7",
    "# Written by `hearth build` from hearth.lock: change the lock, then build again.",
  ];
  for (const { title, changesWith, instructions } of layers) {
    lines.push("", `# ${title} (built again with ${changesWith})`, ...instructions);
  }
  return `${lines.join("\n")}\n`;
}

/** What the build context holds and nothing else: a context is sent whole. */
export function printDockerignore(): string {
  return ["*", "!agent", "!hearth.lock", "!fetch-source.sh", ""].join("\n");
}

/** Fetches one source at one commit or version, and verifies what the lock knows of it. */
export function printFetchSource(): string {
  return `#!/bin/sh
# fetch-source git REPOSITORY COMMIT FOLDER
# fetch-source registry ID VERSION SHA256|- FOLDER
set -eu
if [ "$1" = git ]; then
  mkdir -p "$4"
  git -C "$4" init -q
  git -C "$4" fetch -q --depth 1 "$2" "$3"
  git -C "$4" checkout -q FETCH_HEAD
  git -C "$4" submodule update -q --init --depth 1
  rm -rf "$4/.git"
else
  archive=$(mktemp)
  url=$(curl -fsSL "https://api.comfy.org/nodes/$2/install?version=$3" | sed -n 's/.*"downloadUrl":"\\([^"]*\\)".*/\\1/p')
  curl -fsSL -o "$archive" "$url"
  if [ "$4" != - ]; then echo "$4  $archive" | sha256sum -c -; fi
  mkdir -p "$5"
  unzip -q "$archive" -d "$5"
  rm "$archive"
fi
`;
}
