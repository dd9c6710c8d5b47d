import { access, constants, readFile, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";

/** The unprivileged account that Postgres runs as when Hearth itself is root. */
export interface ServerAccount {
  readonly uid: number;
  readonly gid: number;
}

/** "nobody" on most systems. */
const fallbackAccount: ServerAccount = { uid: 65_534, gid: 65_534 };

/**
 * Postgres refuses to run as root, so as root it runs as the owner of its data; before there are
 * any, as the owner of Hearth's data folder, or as nobody if that is root. Undefined means: as
 * ourselves.
 */
export async function chooseServerAccount(
  clusterFolder: string,
  dataDir: string,
): Promise<ServerAccount | undefined> {
  if (process.geteuid?.() !== 0) return undefined;
  const clusterOwner = await ownerOf(clusterFolder);
  if (clusterOwner !== undefined) return clusterOwner;
  const accounts = parseAccounts(await readFile("/etc/passwd", "utf8").catch(() => ""));
  const folderOwner = await ownerOf(dataDir);
  // Owners known only to the host of a container are common; initdb refuses to run as one.
  for (const account of accounts.values()) {
    if (account.uid === folderOwner?.uid) return folderOwner;
  }
  return accounts.get("nobody") ?? accounts.get("daemon") ?? fallbackAccount;
}

/** The unprivileged accounts of a passwd file by name. */
export function parseAccounts(passwd: string): ReadonlyMap<string, ServerAccount> {
  const accounts = new Map<string, ServerAccount>();
  for (const line of passwd.split("\n")) {
    const [name = "", , uid = "", gid = ""] = line.split(":");
    // macOS gives nobody the number -2, which no process can be started as.
    if (/^[1-9]\d*$/u.test(uid) && /^\d+$/u.test(gid)) {
      accounts.set(name, { uid: Number(uid), gid: Number(gid) });
    }
  }
  return accounts;
}

/** Undefined when there is no such folder or it is root's. */
async function ownerOf(folder: string): Promise<ServerAccount | undefined> {
  const found = await stat(folder).catch(() => undefined);
  return found === undefined || found.uid === 0 ? undefined : { uid: found.uid, gid: found.gid };
}

/**
 * Whether the account may use a path: every folder above it searched, itself read (and executed).
 * Judged by mode bits; where an access list says otherwise, Postgres itself will report it.
 */
export async function isReachable(
  path: string,
  account: ServerAccount | undefined,
  need: "search" | "read" | "execute",
): Promise<boolean> {
  if (account === undefined) {
    const mode = need === "read" ? constants.R_OK : constants.X_OK;
    return access(path, mode).then(
      () => true,
      () => false,
    );
  }
  if (!(await hasBits(path, account, need === "read" ? 4 : need === "execute" ? 5 : 1))) {
    return false;
  }
  let folder = dirname(resolve(path));
  for (;;) {
    if (!(await hasBits(folder, account, 1))) return false;
    const parent = dirname(folder);
    if (parent === folder) return true;
    folder = parent;
  }
}

async function hasBits(path: string, account: ServerAccount, bits: number): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return false;
  const shift = found.uid === account.uid ? 6 : found.gid === account.gid ? 3 : 0;
  return ((found.mode >> shift) & bits) === bits;
}
