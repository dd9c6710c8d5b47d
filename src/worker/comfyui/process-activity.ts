import { readFile, readdir } from "node:fs/promises";

/** Linux counts processor time in hundredths of a second for every program, whatever its own clock. */
const tickMs = 10;

/** Processor time of all live processes of a group; undefined where that cannot be known. */
export async function groupCpuMs(groupId: number | undefined): Promise<number | undefined> {
  if (groupId === undefined || process.platform !== "linux") return undefined;
  const names = (await readdir("/proc")).filter((name) => /^\d+$/u.test(name));
  const times = await Promise.all(
    names.map(async (name) => {
      // A process that ends meanwhile has no file any more.
      const stat = await readFile(`/proc/${name}/stat`, "utf8").catch(() => "");
      return cpuMsOf(stat, groupId);
    }),
  );
  return times.reduce((sum, ms) => sum + ms, 0);
}

/** Reads `/proc/<pid>/stat`: user and system time, or 0 for a process of another group. */
export function cpuMsOf(stat: string, groupId: number): number {
  // The name in parentheses may hold spaces and parentheses itself: count from its end.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  if (Number(fields[2]) !== groupId) return 0;
  return (Number(fields[11]) + Number(fields[12])) * tickMs;
}
