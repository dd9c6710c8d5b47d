import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { RenderedFile } from "../../deploy/manifests/deployment-plan.ts";
import { HearthError } from "../../kernel/errors.ts";
import type { ModalAccess } from "./client.ts";

/** Modal builds images during a deploy. */
const deployMs = 30 * 60_000;
const keptLines = 12;

/** How Modal's Python program is started. */
export interface ModalProgram {
  /** Such as `modal`, or `python -m modal`. */
  readonly command: readonly string[];
  readonly variables: Readonly<Record<string, string | undefined>>;
}

interface DeploySettings extends ModalProgram {
  readonly access: ModalAccess;
  readonly environment: string | null;
}

/**
 * `modal deploy` of a file; the same file sent twice is the same app. Errors: `config_invalid` where
 * the program is missing, `platform_refused` with its last lines.
 */
export async function deployProgram(file: RenderedFile, settings: DeploySettings): Promise<void> {
  const { access, environment, command, variables } = settings;
  const [program = "modal", ...args] = command;
  const folder = await mkdtemp(join(tmpdir(), "hearth-modal-"));
  try {
    await writeFile(join(folder, file.path), file.text);
    const place = environment === null ? [] : ["--env", environment];
    await run(program, [...args, "deploy", file.path, ...place], {
      cwd: folder,
      timeout: deployMs,
      env: {
        ...variables,
        MODAL_TOKEN_ID: access.tokenId,
        MODAL_TOKEN_SECRET: access.tokenSecret,
        NO_COLOR: "1",
      },
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

type RunOptions = { cwd: string; timeout: number; env: NodeJS.ProcessEnv };

function run(program: string, args: readonly string[], options: RunOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile(program, args, options, (error, stdout, stderr) => {
      if (error === null) return resolve();
      if (error.code === "ENOENT") return reject(missing(program));
      const lines = `${stdout}\n${stderr}`.trim().split("\n").slice(-keptLines).join("\n");
      const message = `modal deploy did not come through:\n${lines}`;
      reject(new HearthError("platform_refused", { message, cause: error }));
    });
  });
}

function missing(program: string): HearthError {
  const message = `There is no program ${program}: install Modal's package (pip install modal), or name it in HEARTH_MODAL_PROGRAM.`;
  return new HearthError("config_invalid", { message });
}
