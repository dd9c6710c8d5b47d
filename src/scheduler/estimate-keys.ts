/** What run times are told apart by. */
export interface JobKind {
  /** Null where the workflow has not been looked at. */
  readonly fingerprint: string | null;
  readonly modelSet: number;
  readonly sizeClass: string;
  /** Null while it is open which GPU will run it. */
  readonly gpu: string | null;
}

/** The rungs of an estimate, from the most particular to the pool as a whole. */
export function estimateKeys(kind: JobKind): readonly string[] {
  const { fingerprint, modelSet, sizeClass, gpu } = kind;
  const keys = [`set ${modelSet} ${sizeClass}`, "all"];
  if (fingerprint === null) return keys;
  keys.unshift(`run ${fingerprint} ${modelSet} ${sizeClass}`);
  if (gpu !== null) keys.unshift(`run ${fingerprint} ${modelSet} ${sizeClass} ${gpu}`);
  return keys;
}
