import { readFile, readdir } from "node:fs/promises";

/** A process that carries our marks in its environment. */
export interface MarkedProcess {
  readonly pid: number;
  readonly groupId: number;
  readonly instanceId: string;
  readonly specHash: string;
}

/** The variables that mark a process and its descendants as one of our instances. */
export const marks = {
  owner: "HEARTH_OWNER",
  instance: "HEARTH_INSTANCE",
  spec: "HEARTH_INSTANCE_SPEC",
} as const;

/** Finds the processes of an owner. A mark survives whatever happens to the one who set it. */
export async function findMarkedProcesses(owner: string): Promise<readonly MarkedProcess[]> {
  const names = (await readdir("/proc")).filter((name) => /^\d+$/u.test(name));
  const found = await Promise.all(names.map((name) => inspect(Number(name), owner)));
  return found.filter((process) => process !== undefined);
}

async function inspect(pid: number, owner: string): Promise<MarkedProcess | undefined> {
  const environment = await readProcFile(pid, "environ");
  if (environment === undefined) return undefined;
  const values = parseEnvironment(environment);
  const instanceId = values.get(marks.instance);
  if (values.get(marks.owner) !== owner || instanceId === undefined) return undefined;
  const groupId = parseLiveGroup((await readProcFile(pid, "stat")) ?? "");
  if (groupId === undefined) return undefined;
  return { pid, groupId, instanceId, specHash: values.get(marks.spec) ?? "" };
}

/** Reads the NUL-separated `NAME=value` list of `/proc/<pid>/environ`. */
export function parseEnvironment(text: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const entry of text.split("\0")) {
    const equals = entry.indexOf("=");
    if (equals > 0) values.set(entry.slice(0, equals), entry.slice(equals + 1));
  }
  return values;
}

/** The process group from `/proc/<pid>/stat`; undefined for a process that has ended. */
export function parseLiveGroup(stat: string): number | undefined {
  // The name in parentheses may hold spaces and parentheses itself: count from its end.
  const [state, , group] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  if (state === undefined || group === undefined || state === "Z" || state === "X")
    return undefined;
  const groupId = Number(group);
  return Number.isSafeInteger(groupId) && groupId > 1 ? groupId : undefined;
}

async function readProcFile(pid: number, file: string): Promise<string | undefined> {
  try {
    return await readFile(`/proc/${pid}/${file}`, "utf8");
  } catch {
    // Ended meanwhile, or somebody else's.
    return undefined;
  }
}
