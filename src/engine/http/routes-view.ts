import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { parseRange } from "../byte-range.ts";
import { disposition, servedType } from "../content-type.ts";
import { isFolderType, parseAnnotatedName, type EngineFolders } from "../files.ts";
import { joinInside, staysInside } from "../safe-path.ts";
import { encodeChannel, encodePreviewOf } from "../view-image.ts";
import { HttpFailure } from "./failure.ts";
import type { EngineState } from "./state.ts";

interface ViewQuery {
  readonly filename?: string;
  readonly type?: string;
  readonly subfolder?: string;
  readonly channel?: string;
  readonly preview?: string;
}

export function viewRoutes(app: FastifyInstance, { folders }: EngineState): void {
  app.get<{ Querystring: ViewQuery }>("/view", async (request, reply) => {
    const { query } = request;
    const path = await findViewed(query, folders);
    const filename = basename(path);
    void reply.header("x-content-type-options", "nosniff");
    if (query.preview !== undefined || query.channel === "rgb" || query.channel === "a") {
      const shown =
        query.preview === undefined
          ? await encodeChannel(path, query.channel === "a" ? "a" : "rgb")
          : await encodePreviewOf(path, query.preview);
      void reply.header("content-disposition", disposition(filename, false));
      return reply.type(shown.contentType).send(shown.data);
    }
    return sendFile(request, reply, path, filename);
  });
}

/** The file that a query names. Errors: 400 bad name or type, 403 outside, 404 missing. */
async function findViewed(query: ViewQuery, folders: EngineFolders): Promise<string> {
  const given = query.filename;
  if (given === undefined || given === "") throw new HttpFailure(404, "No filename");
  const annotated = parseAnnotatedName(given);
  const type = annotated.path === given ? (query.type ?? "output") : annotated.type;
  const name = annotated.path.replaceAll("\\", "/");
  const climbs = name.startsWith("/") || name.split("/").includes("..") || name.includes("\0");
  if (climbs) throw new HttpFailure(400, "Bad filename");
  if (!isFolderType(type)) throw new HttpFailure(400, "Unknown type");
  const folder = joinInside(folders[type], query.subfolder ?? "");
  if (folder === undefined) throw new HttpFailure(403, "Outside the folder");
  const path = joinInside(folder, basename(name));
  if (path === undefined) throw new HttpFailure(400, "Bad filename");
  const found = await stat(path).catch(() => undefined);
  if (found?.isFile() !== true) throw new HttpFailure(404, "No such file");
  if (!(await staysInside(folders[type], path))) throw new HttpFailure(403, "Outside the folder");
  return path;
}

async function sendFile(
  request: FastifyRequest,
  reply: FastifyReply,
  path: string,
  filename: string,
): Promise<FastifyReply> {
  const { size, mtime, mtimeMs } = await stat(path);
  const { contentType, isDownload } = servedType(filename);
  const etag = `"${Math.trunc(mtimeMs).toString(16)}-${size.toString(16)}"`;
  void reply
    .type(contentType)
    .header("content-disposition", disposition(filename, isDownload))
    .header("last-modified", mtime.toUTCString())
    .header("etag", etag)
    .header("accept-ranges", "bytes");
  if (isDownload) void reply.header("cache-control", "no-store");
  if (isUnchanged(request, etag, mtime)) return reply.code(304).send();
  const range = parseRange(request.headers.range, size);
  if (range === "unsatisfiable") {
    return reply.code(416).header("content-range", `bytes */${size}`).send();
  }
  if (range === undefined) {
    return reply.header("content-length", size).send(createReadStream(path));
  }
  return reply
    .code(206)
    .header("content-range", `bytes ${range.start}-${range.end}/${size}`)
    .header("content-length", range.end - range.start + 1)
    .send(createReadStream(path, range));
}

function isUnchanged({ headers }: FastifyRequest, etag: string, modified: Date): boolean {
  const known = headers["if-none-match"];
  if (known !== undefined) return known.split(",").some((tag) => tag.trim() === etag);
  const since = Date.parse(headers["if-modified-since"] ?? "");
  // Headers count whole seconds.
  return Number.isFinite(since) && Math.floor(modified.getTime() / 1000) * 1000 <= since;
}
