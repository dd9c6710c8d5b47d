import { freemem, totalmem } from "node:os";
import process from "node:process";
import type { FastifyInstance } from "fastify";
import type { JsonObject } from "../../kernel/json.ts";
import type { EngineDevice } from "../device.ts";
import { listInputFiles } from "../files.ts";
import { serverFeatures } from "../messages.ts";
import { describeNode } from "../object-info.ts";
import type { EngineState } from "./state.ts";

const modelFolders = [
  "checkpoints",
  "configs",
  "loras",
  "vae",
  "text_encoders",
  "diffusion_models",
  "clip_vision",
  "style_models",
  "embeddings",
  "diffusers",
  "vae_approx",
  "controlnet",
  "gligen",
  "upscale_models",
  "latent_upscale_models",
  "hypernetworks",
  "photomaker",
  "classifiers",
  "model_patches",
  "audio_encoders",
];

export function infoRoutes(app: FastifyInstance, { registry, folders, device }: EngineState): void {
  app.get("/object_info", async () => {
    const files = await listInputFiles(folders);
    const entries = [...registry].map(([name, node]): [string, JsonObject] => [
      name,
      describeNode(node, files),
    ]);
    return Object.fromEntries(entries);
  });

  app.get<{ Params: { name: string } }>("/object_info/:name", async ({ params }) => {
    const node = registry.get(params.name);
    if (node === undefined) return {};
    return { [node.name]: describeNode(node, await listInputFiles(folders)) };
  });

  app.get("/system_stats", () => systemStats(device()));
  app.get("/features", () => serverFeatures);
  app.get("/embeddings", () => []);
  app.get("/extensions", () => []);
  app.get("/i18n", () => ({}));
  app.get("/workflow_templates", () => ({}));
  app.get("/global_subgraphs", () => ({}));
  app.get("/node_replacements", () => ({}));

  app.get("/models", () => modelFolders);
  app.get<{ Params: { folder: string } }>("/models/:folder", ({ params }, reply) =>
    modelFolders.includes(params.folder) ? reply.send([]) : reply.code(404).send(),
  );
  app.get("/experiment/models", () => modelFolders.map((name) => ({ name, folders: [] })));
  app.get<{ Params: { folder: string } }>("/experiment/models/:folder", ({ params }, reply) =>
    modelFolders.includes(params.folder) ? reply.send([]) : reply.code(404).send(),
  );
}

/** There is no log to read here: the engine's goes to whoever started it. */
export function logRoutes(app: FastifyInstance): void {
  app.get("/internal/logs", (_request, reply) => reply.type("application/json").send('""'));
  app.get("/internal/logs/raw", () => ({ entries: [], size: { cols: 80, rows: 24 } }));
  app.patch("/internal/logs/subscribe", (_request, reply) => reply.send());
}

function systemStats(device: EngineDevice): object {
  return {
    system: {
      os: process.platform,
      ram_total: totalmem(),
      ram_free: freemem(),
      comfyui_version: "hearth-engine",
      required_frontend_version: "",
      installed_templates_version: "",
      required_templates_version: "",
      comfy_package_versions: [],
      python_version: `none (Node.js ${process.version})`,
      pytorch_version: "none",
      embedded_python: false,
      deploy_environment: "hearth",
      argv: [],
    },
    devices: [device],
  };
}
