import { randomBytes } from "node:crypto";
import { link, open, readFile, rename, rm, stat, utimes } from "node:fs/promises";
import { hostname } from "node:os";
import { setTimeout as delay } from "node:timers/promises";

/** The holder shows that it lives by touching the file this often. */
const touchMs = 5_000;
/** A lock that nobody has touched for this long belongs to a dead holder, on whatever machine. */
const staleMs = 60_000;
const lookMs = 100;
const looksBetweenReports = 10;

export interface FileLock {
  release(): Promise<void>;
}

/**
 * Waits for a lock that holds across processes, and across machines that share the volume. A holder
 * that died on this machine is noticed at once, others after a minute. `onWait` is called about
 * once a second while there is somebody to wait for. Throws the abort.
 */
export async function takeLock(
  path: string,
  signal: AbortSignal,
  onWait?: () => void,
): Promise<FileLock> {
  for (let waits = 0; ; waits++) {
    signal.throwIfAborted();
    const lock = await tryLock(path);
    if (lock !== undefined) return lock;
    if (await clearStale(path)) continue;
    if (waits % looksBetweenReports === 0) onWait?.();
    await delay(lookMs, undefined, { signal });
  }
}

async function tryLock(path: string): Promise<FileLock | undefined> {
  const owner = `${hostname()} ${process.pid} ${randomBytes(8).toString("hex")}`;
  try {
    const handle = await open(path, "wx", 0o644);
    try {
      await handle.writeFile(owner);
    } finally {
      await handle.close();
    }
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown && thrown.code === "EEXIST") return undefined;
    throw thrown;
  }
  const touching = setInterval(() => {
    const now = new Date();
    void utimes(path, now, now).catch(() => undefined);
  }, touchMs).unref();
  return {
    release: async () => {
      clearInterval(touching);
      // Not ours any more if we were taken for dead meanwhile.
      if ((await readOwner(path)) === owner) await rm(path, { force: true });
    },
  };
}

/** True where a dead holder's lock has been cleared away, or has gone by itself. */
async function clearStale(path: string): Promise<boolean> {
  const [owner, facts] = await Promise.all([readOwner(path), stat(path).catch(() => undefined)]);
  if (facts === undefined) return true;
  const isOld = Date.now() - facts.mtimeMs > staleMs;
  if (!isOld && !isDead(owner ?? "")) return false;
  const aside = `${path}.stale-${randomBytes(8).toString("hex")}`;
  try {
    // Only one of those who see the same dead lock can move it.
    await rename(path, aside);
  } catch {
    return true;
  }
  // Somebody was quicker, and this is a living lock: back with it.
  if ((await readOwner(aside)) !== owner) await link(aside, path).catch(() => undefined);
  await rm(aside, { force: true });
  return true;
}

async function readOwner(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").catch(() => undefined);
}

/** Whether the holder ran on this machine and is gone. A process id that was given out anew lives. */
function isDead(owner: string): boolean {
  const [host, pid] = owner.split(" ");
  if (host !== hostname() || pid === undefined || !/^\d+$/u.test(pid)) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (thrown) {
    return thrown instanceof Error && "code" in thrown && thrown.code === "ESRCH";
  }
}
