import { describeComfyui } from "./comfyui.suite.ts";

describeComfyui("the built-in engine", undefined);
