/** What is known of a prompt that has not been heard of for a while. */
export interface SilenceSnapshot {
  readonly silentMs: number;
  readonly currentClass: string | null;
  /** Share of one processor that the process used during the silence; undefined when unknown. */
  readonly cpuShare: number | undefined;
  /** Whether the websocket has said anything at all since it was last opened. */
  readonly isSocketAlive: boolean;
  readonly hangMs: number;
  readonly busyHangMs: number;
}

/** Below this share a process only waits. One that waits for its GPU spins, and uses a whole one. */
const idleCpuShare = 0.1;

/**
 * Whether a silent prompt hangs. Loading models is silent for minutes, so are nodes that do one
 * long piece of work, and so is everything over a websocket that some proxy swallows; they get the
 * longer limit, and none gets more.
 */
export function isHung(snapshot: SilenceSnapshot): boolean {
  const { silentMs, currentClass, cpuShare, isSocketAlive, hangMs, busyHangMs } = snapshot;
  const isAtWork = (cpuShare ?? 0) >= idleCpuShare;
  const isLoading = currentClass !== null && /load|checkpoint|unet|download/iu.test(currentClass);
  const hasReason = isAtWork || isLoading || !isSocketAlive;
  return silentMs >= (hasReason ? busyHangMs : hangMs);
}
