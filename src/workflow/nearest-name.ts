const maxLength = 80;
const maxCandidates = 5_000;
/** Looking for the nearest name is dear, and nobody reads more suggestions than these. */
const maxSearches = 8;

/**
 * Finds the name most like a mistyped one, if it is like enough; look-alike letters count as
 * alike. The first eight different names are looked for, the rest get no answer.
 */
export function nameSuggester(candidates: readonly string[]): (name: string) => string | undefined {
  const known = new Map<string, string | undefined>();
  let folded: readonly Folded[] | undefined;
  return (name) => {
    if (known.has(name) || known.size >= maxSearches) return known.get(name);
    folded ??= candidates.slice(0, maxCandidates).map((text) => ({ text, folded: fold(text) }));
    const nearest = nearestOf(fold(name), folded);
    known.set(name, nearest);
    return nearest;
  };
}

interface Folded {
  readonly text: string;
  readonly folded: string;
}

function nearestOf(wanted: string, candidates: readonly Folded[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(wanted.length / 4)) + 1;
  for (const { text, folded } of candidates) {
    if (Math.abs(folded.length - wanted.length) >= bestDistance) continue;
    const distance = editDistance(wanted, folded, bestDistance);
    if (distance < bestDistance) [best, bestDistance] = [text, distance];
  }
  return best;
}

function fold(text: string): string {
  return text
    .slice(0, maxLength)
    .normalize("NFKD")
    .replaceAll(/[\p{M}\p{Cf}\s_-]/gu, "")
    .toLowerCase()
    .slice(0, maxLength);
}

/** Levenshtein's distance, or `limit` once it cannot be less. */
function editDistance(left: string, right: string, limit: number): number {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let i = 1; i <= left.length; i++) {
    const next = [i];
    for (let j = 1; j <= right.length; j++) {
      const substituted = (row[j - 1] ?? 0) + (left[i - 1] === right[j - 1] ? 0 : 1);
      next.push(Math.min(substituted, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    if (Math.min(...next) >= limit) return limit;
    row = next;
  }
  return row.at(-1) ?? limit;
}
