import { randomUUID } from "node:crypto";
import { createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { MultipartFile } from "@fastify/multipart";
import type { FastifyRequest } from "fastify";
import type { EngineFolders } from "../files.ts";
import { HttpFailure } from "./failure.ts";

export interface UploadForm {
  /** Where the file's bytes lie until they are placed. */
  readonly path: string;
  readonly filename: string;
  readonly fields: ReadonlyMap<string, string>;
}

/**
 * Reads an upload to a file in the temp folder; the caller removes it. Errors: 400 without a file
 * in the field "image", or with a name that is a path.
 */
export async function readUploadForm(
  request: FastifyRequest,
  folders: EngineFolders,
): Promise<UploadForm> {
  if (!request.isMultipart()) throw new HttpFailure(400, "An upload is a multipart form.");
  const path = join(folders.temp, `.upload-${randomUUID()}`);
  try {
    return await readParts(request, path);
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
}

async function readParts(request: FastifyRequest, path: string): Promise<UploadForm> {
  const fields = new Map<string, string>();
  let filename: string | undefined;
  for await (const part of request.parts()) {
    if (part.type === "field") {
      if (typeof part.value === "string") fields.set(part.fieldname, part.value);
    } else if (part.fieldname === "image" && filename === undefined) {
      filename = checkedName(part);
      await pipeline(part.file, createWriteStream(path));
    } else {
      part.file.resume();
    }
  }
  if (filename === undefined) throw new HttpFailure(400, 'The form has no file "image".');
  return { path, filename, fields };
}

function checkedName({ filename }: MultipartFile): string {
  const isPath = /[/\\\0]/u.test(filename) || filename === "." || filename === "..";
  if (filename === "" || filename.length > 200 || isPath) {
    throw new HttpFailure(400, "The file name is not valid.");
  }
  return filename;
}
