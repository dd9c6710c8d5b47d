import { importsOf, type Import } from "./imports.ts";
import type { SourceFile } from "./project.ts";
import { layers, packageHomes, portRooms, purePackages } from "./table.ts";

/** The room that a file of `src` belongs to: the longest room name that its path starts with. */
export function roomOf(path: string): string {
  const nested = Object.keys(layers).find((room) => room.includes("/") && isWithin(path, room));
  return nested ?? path.slice(0, path.indexOf("/"));
}

/** Every import that the layer table, the ports or the adapters do not allow. */
export function layerViolations(files: readonly SourceFile[]): readonly string[] {
  const shipped = files.filter(({ isTest }) => !isTest);
  const homeless = shipped.filter(({ path }) => layers[roomOf(path)] === undefined);
  return [
    ...homeless.map(({ path }) => `${path}: is in no room of the layer table`),
    ...shipped.flatMap(importsOf).flatMap((each) => {
      const fault = faultOf(each);
      return fault === undefined ? [] : [`${each.place}: ${fault}`];
    }),
  ];
}

function faultOf(each: Import): string | undefined {
  const { specifier, target, from } = each;
  if (specifier === null) return "imports what cannot be read from the source";
  if (target === null) return packageFault(from.path, specifier);
  // The package's own manifest is always shipped; it says the version.
  if (target === "../package.json") return undefined;
  if (target.startsWith("..")) return `imports ${target}, which is not shipped`;
  if (/\.(test|suite)\.ts$/u.test(target)) return `imports the test file ${target}`;
  return roomFault(from.path, target);
}

function roomFault(path: string, target: string): string | undefined {
  const [room, other] = [roomOf(path), roomOf(target)];
  const layer = layers[room];
  if (layer === undefined) return undefined;
  if (room === other) {
    const [own, theirs] = [adapterOf(path, room), adapterOf(target, room)];
    const crosses = theirs !== undefined && theirs !== own;
    return layer.hasAdapters === true && crosses ? `imports the adapter ${theirs}` : undefined;
  }
  if (!layer.mayImport.includes(other)) return `${room} may not import ${other}`;
  if (layer.portsOnly === true && portRooms.has(other) && adapterOf(target, other) !== undefined) {
    return `${room} may import only the ports of ${other}, not ${target}`;
  }
  return undefined;
}

function packageFault(path: string, specifier: string): string | undefined {
  if (layers[roomOf(path)]?.isPure === true && !purePackages.has(specifier)) {
    return `a pure room imports ${specifier}`;
  }
  const homes = packageHomes.find(([pattern]) => pattern.test(specifier))?.[1];
  if (homes === undefined || homes.some((home) => path.startsWith(home))) return undefined;
  return `only ${homes.join(", ")} may import ${specifier}`;
}

/** The folder of an adapter in its room; undefined for files of the port. */
function adapterOf(path: string, room: string): string | undefined {
  const [first, ...rest] = path.slice(room.length + 1).split("/");
  return rest.length === 0 ? undefined : first;
}

function isWithin(path: string, room: string): boolean {
  return path.startsWith(`${room}/`);
}
