import { describeComfyui } from "../e2e/comfyui.suite.ts";

const url = process.env.COMFYUI_URL;
if (url === undefined) throw new Error("npm run test:comfyui -- --url http://127.0.0.1:8188");
describeComfyui(url, url);
