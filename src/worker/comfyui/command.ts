import { access } from "node:fs/promises";
import { join, resolve } from "node:path";

export interface ComfyuiCommandOptions {
  /** The folder of ComfyUI's `main.py`. */
  readonly directory: string;
  readonly port: number;
  /** Moves models, custom nodes, input, output, temp and user there. Default: the folder itself. */
  readonly baseDirectory?: string;
  /** Further flags, such as `--cpu`. */
  readonly extraArgs?: readonly string[];
}

export interface ComfyuiCommand {
  readonly command: readonly string[];
  readonly cwd: string;
  readonly baseDirectory: string;
}

/** How to start the ComfyUI of a folder, listening on loopback only: whoever reaches it is root. */
export async function comfyuiCommand(options: ComfyuiCommandOptions): Promise<ComfyuiCommand> {
  const { port, extraArgs = [] } = options;
  const cwd = resolve(options.directory);
  const moved = options.baseDirectory === undefined ? undefined : resolve(options.baseDirectory);
  const base = moved === undefined ? [] : ["--base-directory", moved];
  const flags = ["--listen", "127.0.0.1", "--port", String(port), "--disable-auto-launch"];
  const command = [await pythonOf(cwd), join(cwd, "main.py"), ...flags, ...base, ...extraArgs];
  return { command, cwd, baseDirectory: moved ?? cwd };
}

/** The folder's own virtual environment if it has one, else the system's Python. */
async function pythonOf(directory: string): Promise<string> {
  const windows = process.platform === "win32";
  const inside = windows ? join("Scripts", "python.exe") : join("bin", "python");
  for (const environment of ["venv", ".venv"]) {
    const python = join(directory, environment, inside);
    try {
      await access(python);
      return python;
    } catch {
      // Not this one.
    }
  }
  return windows ? "python" : "python3";
}
