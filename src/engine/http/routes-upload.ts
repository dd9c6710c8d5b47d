import { rm, writeFile } from "node:fs/promises";
import type { FastifyInstance, FastifyRequest } from "fastify";
import sharp from "sharp";
import { isJsonObject, type JsonValue } from "../../kernel/json.ts";
import { findNamedFile, isFolderType, type EngineFolders } from "../files.ts";
import { joinInside, staysInside } from "../safe-path.ts";
import { placeUpload } from "../upload.ts";
import { maxFramePixels } from "../values.ts";
import { HttpFailure } from "./failure.ts";
import type { EngineState } from "./state.ts";
import { readUploadForm, type UploadForm } from "./upload-form.ts";

export function uploadRoutes(app: FastifyInstance, { folders }: EngineState): void {
  app.post("/upload/image", (request) =>
    withForm(request, folders, (form) => place(form, folders)),
  );

  app.post("/upload/mask", (request) =>
    withForm(request, folders, async (form) => {
      await mergeMask(form, folders);
      return place(form, folders);
    }),
  );
}

/** Works on an upload, and removes what remains of it in the temp folder. */
async function withForm(
  request: FastifyRequest,
  folders: EngineFolders,
  use: (form: UploadForm) => Promise<object>,
): Promise<object> {
  const form = await readUploadForm(request, folders);
  try {
    return await use(form);
  } finally {
    await rm(form.path, { force: true });
  }
}

async function place(form: UploadForm, folders: EngineFolders): Promise<object> {
  const type = form.fields.get("type") ?? "input";
  if (!isFolderType(type)) throw new HttpFailure(400, "Unknown type");
  const subfolder = (form.fields.get("subfolder") ?? "").replaceAll("\\", "/");
  const folder = joinInside(folders[type], subfolder);
  if (folder === undefined || !(await staysInside(folders[type], folder))) {
    throw new HttpFailure(400, "The subfolder lies outside.");
  }
  const overwrite = ["true", "1"].includes(form.fields.get("overwrite") ?? "");
  const name = await placeUpload(form.path, folder, form.filename, overwrite);
  return { name, subfolder, type };
}

/** Gives the original picture the uploaded picture's alpha, in the uploaded file's place. */
async function mergeMask(form: UploadForm, folders: EngineFolders): Promise<void> {
  const original = await findOriginal(form.fields.get("original_ref"), folders);
  const options = { limitInputPixels: maxFramePixels };
  try {
    const { width, height } = await sharp(original, options).metadata();
    const alpha = await sharp(form.path, options)
      .ensureAlpha()
      .extractChannel("alpha")
      .resize(width, height, { fit: "fill" })
      .raw()
      .toBuffer();
    // In two steps: in one, sharp would remove the new alpha as well.
    const colours = await sharp(original, options)
      .toColourspace("srgb")
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    const { channels } = colours.info;
    const merged = await sharp(colours.data, { raw: { width, height, channels } })
      .joinChannel(alpha, { raw: { width, height, channels: 1 } })
      .png({ compressionLevel: 4 })
      .toBuffer();
    await writeFile(form.path, merged);
  } catch {
    throw new HttpFailure(400, "The mask and its original must be pictures.");
  }
}

async function findOriginal(text: string | undefined, folders: EngineFolders): Promise<string> {
  const reference = parseReference(text ?? "");
  const part = (key: string): string => {
    const value = isJsonObject(reference) ? reference[key] : undefined;
    return typeof value === "string" ? value : "";
  };
  const type = part("type") === "" ? "output" : part("type");
  const path = [part("subfolder"), part("filename")].filter((piece) => piece !== "").join("/");
  const found = isFolderType(type) ? await findNamedFile(folders, `${path} [${type}]`) : undefined;
  if (found === undefined) throw new HttpFailure(400, "original_ref names no file.");
  return found;
}

function parseReference(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return null;
  }
}
