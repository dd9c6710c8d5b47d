import type { KnownInstance } from "./platform.ts";

/** Whether the platform's own name of an instance is known. */
export function hasName(
  known: KnownInstance,
): known is KnownInstance & { readonly externalId: string } {
  return known.externalId !== null;
}

/** How many instances are asked for at the same time. */
const lanes = 8;

/** Asks for each known instance in turn, a few at a time, and keeps the order. */
export async function askEach<T, R>(
  items: readonly T[],
  ask: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const answers: R[] = [];
  for (let from = 0; from < items.length; from += lanes) {
    answers.push(...(await Promise.all(items.slice(from, from + lanes).map(ask))));
  }
  return answers;
}
