import { readFile, stat } from "node:fs/promises";
import type { FastifyInstance } from "fastify";
import type { JsonValue } from "../../kernel/json.ts";
import {
  moveUserFile,
  removeUserFile,
  UserStore,
  writeUserFile,
  type UserFile,
} from "../user-store.ts";
import { bodyBytes, bodyJson, bodyObject } from "./body.ts";
import { HttpFailure } from "./failure.ts";
import type { EngineState } from "./state.ts";

interface FileParams {
  readonly file: string;
}

type Query = Readonly<Record<string, string | undefined>>;

/** What front ends and clients keep on the server: settings and files of the one user. */
export function userRoutes(app: FastifyInstance, { folders }: EngineState): void {
  const store = new UserStore(folders.user);

  app.get("/users", () => ({ storage: "server", migrated: true }));
  app.post("/users", (_request, reply) =>
    reply.code(400).send({ error: "There is one user only." }),
  );

  app.get("/settings", () => store.settings());
  app.post("/settings", async (request, reply) => {
    await store.saveSettings(bodyObject(request));
    return reply.send();
  });
  app.get<{ Params: { id: string } }>("/settings/:id", async ({ params }, reply) => {
    const settings = await store.settings();
    const value = Object.hasOwn(settings, params.id) ? settings[params.id] : null;
    return reply.type("application/json").send(JSON.stringify(value));
  });
  app.post<{ Params: { id: string } }>("/settings/:id", async (request, reply) => {
    await store.saveSettings(Object.fromEntries([[request.params.id, bodyJson(request) ?? null]]));
    return reply.send();
  });

  listRoutes(app, store);
  fileRoutes(app, store);
}

function listRoutes(app: FastifyInstance, store: UserStore): void {
  app.get<{ Querystring: Query }>("/userdata", async ({ query }, reply) => {
    const folder = query["dir"] ?? "";
    if (folder === "") return reply.code(400).send("Directory not provided");
    const files = await store.list(folder, query["recurse"] === "true");
    if (files === undefined) return reply.code(404).send("Directory not found");
    const [full, split] = [query["full_info"] === "true", query["split"] === "true"];
    return reply.send(files.map((file) => listed(file, full, split)));
  });

  app.get<{ Querystring: Query }>("/v2/userdata", async ({ query }, reply) => {
    const files = await store.list(query["path"] ?? query["dir"] ?? ".", false);
    if (files === undefined) return reply.code(404).send("Directory not found");
    return reply.send(
      files.map((file) => ({
        name: file.path,
        path: file.path,
        type: "file",
        size: file.sizeBytes,
        modified: file.modifiedMs,
      })),
    );
  });
}

function listed(file: UserFile, full: boolean, split: boolean): JsonValue {
  if (full) return { path: file.path, size: file.sizeBytes, modified: file.modifiedMs };
  return split ? [file.path, ...file.path.split("/")] : file.path;
}

function fileRoutes(app: FastifyInstance, store: UserStore): void {
  const pathOf = async (name: string): Promise<string> => {
    const path = await store.resolve(name);
    if (path === undefined) throw new HttpFailure(403, "The name lies outside.");
    return path;
  };
  const existing = async (name: string): Promise<string> => {
    const path = await pathOf(name);
    const found = await stat(path).catch(() => undefined);
    if (found?.isFile() !== true) throw new HttpFailure(404, "No such file");
    return path;
  };

  app.get<{ Params: FileParams }>("/userdata/:file", async ({ params }, reply) =>
    reply.type("application/octet-stream").send(await readFile(await existing(params.file))),
  );

  app.post<{ Params: FileParams; Querystring: Query }>(
    "/userdata/:file",
    async (request, reply) => {
      const overwrite = request.query["overwrite"] !== "false";
      const path = await pathOf(request.params.file);
      if (!(await writeUserFile(path, bodyBytes(request), overwrite))) {
        return reply.code(409).send("File already exists");
      }
      return reply.type("application/json").send(JSON.stringify(request.params.file));
    },
  );

  app.delete<{ Params: FileParams }>("/userdata/:file", async ({ params }, reply) => {
    await removeUserFile(await existing(params.file));
    return reply.code(204).send();
  });

  app.post<{ Params: FileParams & { dest: string }; Querystring: Query }>(
    "/userdata/:file/move/:dest",
    async ({ params, query }, reply) => {
      const [from, to] = [await existing(params.file), await pathOf(params.dest)];
      const taken = await stat(to).catch(() => undefined);
      if (taken !== undefined && query["overwrite"] === "false") {
        return reply.code(409).send("File already exists");
      }
      await moveUserFile(from, to);
      return reply.type("application/json").send(JSON.stringify(params.dest));
    },
  );
}
