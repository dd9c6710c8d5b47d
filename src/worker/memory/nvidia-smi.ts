import { execFile } from "node:child_process";

/** What the driver says of one card. */
export interface DriverCard {
  readonly index: number;
  readonly uuid: string;
  readonly totalBytes: number;
  readonly usedBytes: number;
}

export interface DriverProcess {
  readonly pid: number;
  readonly cardUuid: string;
  readonly usedBytes: number;
}

export interface DriverReading {
  readonly cards: readonly DriverCard[];
  /** Empty where the driver does not tell processes apart, as in many containers. */
  readonly processes: readonly DriverProcess[];
}

const mebibyte = 1024 ** 2;
const limits = { timeout: 3_000, maxBuffer: 1_048_576, windowsHide: true };

/** Asks the driver; undefined where there is none, or it does not answer in time. */
export async function readNvidiaSmi(program = "nvidia-smi"): Promise<DriverReading | undefined> {
  const cards = await ask(program, "--query-gpu=index,uuid,memory.total,memory.used");
  if (cards === undefined) return undefined;
  const processes = await ask(program, "--query-compute-apps=pid,gpu_uuid,used_memory");
  return { cards: parseCards(cards), processes: parseProcesses(processes ?? "") };
}

/** Lines of `index, uuid, total MiB, used MiB`; a line that is not so is passed over. */
export function parseCards(csv: string): readonly DriverCard[] {
  return rowsOf(csv).flatMap(([index, uuid, total, used]) => {
    const [at, totalMib, usedMib] = [index, total, used].map(wholeNumber);
    if (at === undefined || totalMib === undefined || usedMib === undefined || !uuid) return [];
    const usedBytes = Math.min(usedMib, totalMib) * mebibyte;
    return [{ index: at, uuid, totalBytes: totalMib * mebibyte, usedBytes }];
  });
}

/** Lines of `pid, card uuid, used MiB`; `[N/A]`, as drivers write it, is passed over. */
export function parseProcesses(csv: string): readonly DriverProcess[] {
  return rowsOf(csv).flatMap(([pid, cardUuid, used]) => {
    const [id, usedMib] = [pid, used].map(wholeNumber);
    if (id === undefined || usedMib === undefined || !cardUuid) return [];
    return [{ pid: id, cardUuid, usedBytes: usedMib * mebibyte }];
  });
}

function ask(program: string, query: string): Promise<string | undefined> {
  const options = [query, "--format=csv,noheader,nounits"];
  return new Promise((resolve) => {
    execFile(program, options, limits, (error, stdout) => {
      resolve(error === null ? stdout : undefined);
    });
  });
}

function rowsOf(csv: string): readonly (readonly (string | undefined)[])[] {
  return csv
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => line.split(",").map((field) => field.trim()));
}

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,12}$/u.test(text) ? Number(text) : undefined;
}
