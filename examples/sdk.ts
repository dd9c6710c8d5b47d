/**
 * The official SDK against Hearth: upload a picture, run a workflow on it, save the result.
 *
 *   COMFY_BASE_URL=http://127.0.0.1:8787 node examples/sdk.ts photo.png inverted.png
 */
import { fileURLToPath } from "node:url";

import { Comfy } from "@comfyorg/sdk";

const [input = "photo.png", output = "inverted.png"] = process.argv.slice(2);
const apiKey = process.env["HEARTH_API_KEY"];
const client = new Comfy(apiKey === undefined ? {} : { apiKey });

const workflow = await client.workflows.fromFile(
  fileURLToPath(new URL("invert-upload.json", import.meta.url)),
);
workflow.setInput("10", "image", client.assets.fromFile(input));

const job = await client.run(workflow);
const [picture] = job.getOutputs("12");
if (picture === undefined) throw new Error(`job ${job.id} gave no picture`);
await picture.toFile(output);
process.stdout.write(`${output}\n`);
