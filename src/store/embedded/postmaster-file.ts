/** What a running Postgres writes into `postmaster.pid`; the later lines appear as it starts. */
export interface PostmasterFile {
  readonly pid: number;
  readonly port: number | undefined;
  readonly status: "starting" | "ready" | "stopping" | "unknown";
}

/** Undefined for a file that names no process, such as one a power cut left empty. */
export function parsePostmasterFile(text: string): PostmasterFile | undefined {
  const lines = text.split("\n").map((line) => line.trim());
  const pid = Number(lines[0]);
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined;
  const port = Number(lines[3] ?? "");
  const status = lines[7];
  return {
    pid,
    port: Number.isSafeInteger(port) && port > 0 && port < 65_536 ? port : undefined,
    status:
      status === "starting" || status === "ready" || status === "stopping" ? status : "unknown",
  };
}
