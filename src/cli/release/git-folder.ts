import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** Where a checkout came from and what is checked out; nothing of it is run. */
export interface Checkout {
  /** Without credentials and `.git`; null where it is not an https URL. */
  readonly repository: string | null;
  readonly commit: string | null;
}

const commitPattern = /^[0-9a-f]{40}$/u;

/** Reads a git checkout's files; undefined for a folder that is none. */
export async function readCheckout(folder: string): Promise<Checkout | undefined> {
  const head = await read(join(folder, ".git", "HEAD"));
  if (head === undefined) return undefined;
  const config = (await read(join(folder, ".git", "config"))) ?? "";
  const url = /\[remote "origin"\][^[]*?\burl\s*=\s*(\S+)/u.exec(config)?.[1];
  return { repository: cleanUrl(url), commit: await commitOf(folder, head.trim()) };
}

async function commitOf(folder: string, head: string): Promise<string | null> {
  if (commitPattern.test(head)) return head;
  const ref = /^ref: (refs\/[\w./-]+)$/u.exec(head)?.[1];
  if (ref === undefined || ref.includes("..")) return null;
  const loose = (await read(join(folder, ".git", ref)))?.trim();
  if (loose !== undefined && commitPattern.test(loose)) return loose;
  const packed = (await read(join(folder, ".git", "packed-refs"))) ?? "";
  const line = packed.split("\n").find((each) => each.endsWith(` ${ref}`));
  const found = line?.slice(0, 40) ?? "";
  return commitPattern.test(found) ? found : null;
}

/** As a lock may hold it: `git@host:a/b.git` becomes https, a password in it is dropped. */
function cleanUrl(url: string | undefined): string | null {
  const ssh = /^git@([\w.-]+):(.+)$/u.exec(url ?? "");
  const https = /^https:\/\/(?:[^@/]*@)?(.+)$/u.exec(url ?? "");
  const place = ssh === null ? https?.[1] : `${ssh[1]}/${ssh[2]}`;
  return place === undefined ? null : `https://${place.replace(/\.git$/u, "")}`;
}

function read(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").catch(() => undefined);
}
