import { formatBytes } from "../../kernel/bytes.ts";
import { formatDurationMs } from "../../kernel/duration.ts";
import { modelKey } from "../../workflow/model-ref.ts";
import type { PackNeed } from "../../workflow/pack-needs.ts";
import type { Requirements } from "../../workflow/requirements.ts";
import type { SettableInput } from "../../workflow/settable.ts";
import { formatTable, oneLine } from "../table.ts";
import type { Inspection } from "./inspection.ts";

const maxValueLength = 48;
const maxFaults = 50;
const formats = { api: "API format", editor: "the editor's format" } as const;

/** An inspection for people: one block a question, empty blocks left out. */
export function inspectionText(inspection: Inspection, showsAllInputs: boolean): string {
  const { requirements } = inspection;
  const blocks = [
    heading(inspection),
    models(inspection),
    unplaced(requirements),
    packs(requirements.packs),
    inputs(requirements.inputs, showsAllInputs),
    outputs(requirements),
    cost(requirements),
    faults(inspection),
    cautions(inspection),
  ];
  return blocks.filter((block) => block !== "").join("\n\n");
}

function heading({ file, container, format, nodes }: Inspection): string {
  const where = container === "json" ? "" : ` inside of a ${container} file`;
  return oneLine(`${file}: ${formats[format]}${where}, ${nodes} nodes`);
}

function models({ requirements, modelStates }: Inspection): string {
  if (requirements.models.length === 0) return "Needs no model files.";
  return formatTable(requirements.models, [
    { title: "MODEL", text: modelKey },
    {
      title: "SIZE",
      text: ({ bytes }) => (bytes === null ? "?" : formatBytes(bytes)),
      align: "right",
    },
    { title: "STATE", text: (model) => modelStates[modelKey(model)] ?? "unknown" },
    { title: "SOURCE", text: ({ sources }) => sources[0] ?? "" },
  ]);
}

function unplaced({ unplacedModels }: Requirements): string {
  if (unplacedModels.length === 0) return "";
  return formatTable(unplacedModels, [
    { title: "MODEL OF UNKNOWN FOLDER", text: ({ filename }) => filename },
    { title: "NODE", text: ({ nodeId, classType }) => `${nodeId} ${classType}` },
    { title: "SEEN IN", text: ({ folders }) => folders.join(" or ") },
  ]);
}

function packs(needs: readonly PackNeed[]): string {
  if (needs.length === 0) return "";
  return formatTable(needs, [
    { title: "CLASS OF A PACK", text: ({ classType }) => classType },
    { title: "NODES", text: ({ nodeIds }) => String(nodeIds.length), align: "right" },
    { title: "KNOWN BY", text: ({ basis }) => basis },
    { title: "PACK", text: packText },
  ]);
}

function packText({ candidates }: PackNeed): string {
  const names = candidates.map(({ id, repository, version }) =>
    [id ?? repository ?? "?", version].filter((each) => each !== null).join(" "),
  );
  return names.length > 1 ? `one of: ${names.join(", ")}` : (names[0] ?? "");
}

/** Seeds, texts, files and sizes are what callers change; the rest is shown on request. */
function inputs(all: readonly SettableInput[], showsAll: boolean): string {
  const shown = showsAll ? all : all.filter(({ kind }) => kind !== "setting");
  if (shown.length === 0) return "";
  const hidden = all.length - shown.length;
  const table = formatTable(shown, [
    { title: "INPUT", text: ({ nodeId, input }) => `${nodeId}.${input}` },
    { title: "CLASS", text: ({ classType }) => classType },
    { title: "KIND", text: ({ kind, type }) => (type === null ? kind : `${kind} ${type}`) },
    { title: "VALUE", text: ({ value }) => clip(JSON.stringify(value)) },
  ]);
  return hidden === 0 ? table : `${table}\nand ${hidden} settings (--all)`;
}

function outputs({ outputs: nodes }: Requirements): string {
  if (nodes.length === 0) return "No output node: it cannot run.";
  return formatTable(nodes, [
    { title: "OUTPUT", text: ({ nodeId }) => nodeId },
    { title: "CLASS", text: ({ classType }) => classType },
  ]);
}

function cost({ size, sizeClass, vram, expectedRunMs, fingerprint }: Requirements): string {
  const { weightsBytes, activationBytes, reserveBytes, basis } = vram;
  const makes =
    size === null ? "not said" : `${size.widthPx} × ${size.heightPx}, ${size.frames} frames`;
  const memory =
    reserveBytes === null
      ? `${formatBytes(activationBytes)} beside the weights, whose size is not known`
      : `${formatBytes(reserveBytes)} (weights ${formatBytes(weightsBytes ?? 0)}, running ${formatBytes(activationBytes)}; ${basis})`;
  const time = expectedRunMs === null ? "" : `\nRun time      ${formatDurationMs(expectedRunMs)}`;
  return `Makes         ${makes} (size class ${sizeClass})\nGPU memory    ${memory}${time}\nFingerprint   ${fingerprint}`;
}

/** As ComfyUI would answer, one line a fault. */
function faults({ check }: Inspection): string {
  if (check === null) return "";
  const rows = Object.entries(check.nodeErrors).flatMap(([nodeId, { class_type, errors }]) =>
    errors.map(({ message, details }) => ({ nodeId, classType: class_type, message, details })),
  );
  if (rows.length === 0) return check.error === null ? "" : check.error.message;
  return formatTable(rows.slice(0, maxFaults), [
    { title: "WRONG", text: ({ nodeId, classType }) => `${nodeId} ${classType}` },
    { title: "WHAT", text: ({ message }) => message },
    { title: "WHERE", text: ({ details }) => clip(details) },
  ]);
}

function cautions({ guessedClasses, missingClasses }: Inspection): string {
  const lines: string[] = [];
  if (missingClasses !== null && missingClasses.length > 0) {
    lines.push(`The catalogue has no class ${missingClasses.join(", ")}.`);
  }
  if (missingClasses === null && guessedClasses.length > 0) {
    lines.push("Widgets were read by the file's own names; --catalogue makes it certain.");
  }
  return lines.map(oneLine).join("\n");
}

function clip(text: string): string {
  const letters = Array.from(text);
  return letters.length <= maxValueLength ? text : `${letters.slice(0, maxValueLength).join("")}…`;
}
