// A toy cloud of one folder: `launch`, `list`, `terminate ID`. Instances are sleeping processes.
import { spawn } from "node:child_process";
import { readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

const [folder, verb, id = ""] = process.argv.slice(2);
const faultFile = join(folder, "fault");
const worker = `process.on("SIGTERM", () => { if (process.env.HEARTH_WORKER_NAME !== "stubborn") process.exit(0); });
setInterval(() => {}, 1000); process.stdout.write("up");`;

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function takeFault() {
  try {
    const code = Number(readFileSync(faultFile, "utf8"));
    rmSync(faultFile);
    return code;
  } catch {
    return 0;
  }
}

function instances() {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .map((name) => Object.assign(JSON.parse(readFileSync(join(folder, name), "utf8")), { name }))
    .filter(({ pid }) => isAlive(pid));
}

if (verb === "launch") {
  const code = takeFault();
  if (code !== 0) {
    process.stderr.write("the toy cloud says no\n");
    process.exit(code);
  }
  const child = spawn(process.execPath, ["-e", worker], {
    detached: true,
    stdio: ["ignore", "pipe", "ignore"],
  });
  await new Promise((resolve) => child.stdout.once("data", resolve));
  const record = { pid: child.pid, clientToken: process.env.HEARTH_INSTANCE_ID, askedAt: null };
  writeFileSync(join(folder, `i-${child.pid}.json`), JSON.stringify(record));
  process.stdout.write(`i-${child.pid}\n`);
  process.exit(0);
}
if (verb === "list") {
  const found = instances().map(({ name, clientToken, askedAt }) => ({
    externalId: name.slice(0, -".json".length),
    clientToken,
    state: askedAt === null ? "running" : "terminating",
  }));
  process.stdout.write(JSON.stringify(found));
}
if (verb === "terminate") {
  const found = instances().find(({ name }) => name === `${id}.json`);
  if (found !== undefined) {
    const now = Number(readFileSync(join(folder, "clock"), "utf8"));
    const { name, ...record } = found;
    const isDue = record.askedAt !== null && now - record.askedAt >= 30_000;
    process.kill(record.pid, isDue ? "SIGKILL" : "SIGTERM");
    writeFileSync(
      join(folder, name),
      JSON.stringify({ ...record, askedAt: record.askedAt ?? now }),
    );
  }
}
