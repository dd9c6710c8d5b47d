/** A text that a file carries beside its content, under the name that the format gives it. */
export interface TextTag {
  readonly name: string;
  readonly text: string;
}

/**
 * Decompresses zlib data to at most `maxBytes`; undefined for anything else. Handed in, so that
 * this room does without Node.
 */
export type Inflate = (bytes: Uint8Array, maxBytes: number) => Uint8Array | undefined;

/** Longer texts are no workflow. */
export const maxTextBytes = 64 * 1024 * 1024;
/** Parts of a file that are looked at, which bounds what a hostile one costs. */
export const maxParts = 100_000;
