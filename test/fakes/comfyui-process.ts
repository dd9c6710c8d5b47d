import { FakeComfy, type FakeComfyOptions } from "./comfyui.ts";

/** The fake ComfyUI as a program: its options are JSON in the first argument. */
const options = JSON.parse(process.argv[2] ?? "{}") as FakeComfyOptions;
const crash = (): void => {
  process.kill(process.pid, "SIGKILL");
};
const fake = new FakeComfy({ ...options, crash });
process.stdout.write("starting\n");
await fake.start();
process.stdout.write("To see the GUI go to: the fake\n");
