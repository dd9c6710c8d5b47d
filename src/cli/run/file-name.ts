const longestBytes = 200;
const reservedOnWindows = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/iu;

/** A name that stays in its folder and works on every system, whatever a workflow called the file. */
export function safeFileName(name: string): string {
  const last = name.split(/[/\\]/u).at(-1) ?? "";
  const plain = last
    .replaceAll(/[\p{Cc}\p{Cf}\p{Cs}<>:"|?*]/gu, "_")
    .replace(/^\.+/u, "_")
    .replace(/[. ]+$/u, "");
  const named = plain === "" ? "output" : plain;
  return shorten(reservedOnWindows.test(named) ? `_${named}` : named);
}

/** Names for a job's files in order; a name that occurs again gets its node's id. */
export function distinctNames(
  outputs: readonly { readonly name: string; readonly node_id: string }[],
): readonly string[] {
  const taken = new Set<string>();
  return outputs.map(({ name, node_id: nodeId }) => {
    const plain = safeFileName(name);
    let candidate = plain;
    for (let number = 1; taken.has(candidate.toLowerCase()); number++) {
      const node = safeFileName(nodeId === "" ? "node" : nodeId);
      candidate = insert(plain, number === 1 ? `-${node}` : `-${node}-${number}`);
    }
    taken.add(candidate.toLowerCase());
    return candidate;
  });
}

function insert(name: string, text: string): string {
  const dot = name.lastIndexOf(".");
  return dot <= 0 ? name + text : name.slice(0, dot) + text + name.slice(dot);
}

function shorten(name: string): string {
  if (Buffer.byteLength(name) <= longestBytes) return name;
  const dot = name.lastIndexOf(".");
  const ending = dot > 0 && name.length - dot <= 12 ? name.slice(dot) : "";
  let stem = Array.from(name.slice(0, name.length - ending.length));
  while (Buffer.byteLength(stem.join("") + ending) > longestBytes) stem = stem.slice(0, -1);
  return stem.join("") + ending;
}
