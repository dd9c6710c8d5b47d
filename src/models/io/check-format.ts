import { foreignFormat } from "../format.ts";
import { lengthBytes, parseHeaderLength, parseSafetensorsHeader } from "../safetensors-header.ts";
import { refused } from "./faults.ts";

/** A file whose beginning can be read. */
export interface Beginning {
  readonly plan: { readonly totalBytes: number };
  start(maxBytes: number): Promise<Buffer>;
}

/**
 * Looks at as much of a file as has arrived. Errors: `model_refused` for anything but a safetensors
 * file that is what its header says.
 */
export async function checkFormat(
  file: Beginning,
  place: string,
  arrivedBytes = file.plan.totalBytes,
): Promise<void> {
  const { totalBytes } = file.plan;
  const start = await file.start(64);
  const foreign = foreignFormat(start);
  if (foreign !== undefined) throw refused(place, `it is ${foreign}, not a safetensors file`);
  const length = parseHeaderLength(start);
  if (!length.ok) throw refused(place, length.error);
  const end = lengthBytes + length.value;
  if (end > totalBytes) throw refused(place, "its header is longer than the file");
  if (end > arrivedBytes) return;
  const header = parseSafetensorsHeader((await file.start(end)).toString("utf8", lengthBytes));
  if (!header.ok) throw refused(place, header.error);
  const { fileBytes } = header.value;
  if (fileBytes !== totalBytes) {
    throw refused(place, `its header speaks of ${fileBytes} bytes and the file has ${totalBytes}`);
  }
}
