// Lets Node run our TypeScript sources below node_modules, where it strips no types by itself.
import { readFileSync } from "node:fs";
import { registerHooks, stripTypeScriptTypes } from "node:module";
import process from "node:process";
import { fileURLToPath } from "node:url";

// The hook's part of Node is marked experimental; users of a command cannot do anything about that.
const { emitWarning } = process;
process.emitWarning = () => undefined;
stripTypeScriptTypes("");
process.emitWarning = emitWarning;

const sources = new URL("../src/", import.meta.url).href;

registerHooks({
  load(url, context, nextLoad) {
    if (!url.startsWith(sources) || !url.endsWith(".ts")) return nextLoad(url, context);
    const source = stripTypeScriptTypes(readFileSync(fileURLToPath(url), "utf8"));
    return { format: "module", shortCircuit: true, source };
  },
});
