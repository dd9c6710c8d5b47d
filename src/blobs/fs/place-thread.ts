import { parentPort } from "node:worker_threads";

import { errorMessage } from "../../kernel/errors.ts";
import { place, type Placement } from "./durable.ts";
import { errorCodeOf } from "./failures.ts";

/** What `placer.ts` asks, and hears in the same order. */
export type PlaceAnswer =
  | { readonly ok: true }
  | { readonly ok: false; readonly message: string; readonly code: string | undefined };

parentPort?.on("message", (placement: Placement) => parentPort?.postMessage(answer(placement), []));

function answer(placement: Placement): PlaceAnswer {
  try {
    place(placement);
    return { ok: true };
  } catch (thrown) {
    // An error that crosses threads loses its code.
    return { ok: false, message: errorMessage(thrown), code: errorCodeOf(thrown) };
  }
}
