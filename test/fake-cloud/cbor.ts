/** Reads the CBOR (RFC 8949) of arguments: texts, lists, maps and small numbers. */
export function decodeCbor(bytes: Uint8Array): unknown {
  let at = 0;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = (info: number): number => {
    if (info < 24) return info;
    if (info === 24) return view.getUint8(at++);
    if (info === 25) {
      at += 2;
      return view.getUint16(at - 2);
    }
    if (info === 26) {
      at += 4;
      return view.getUint32(at - 4);
    }
    throw new Error(`cbor: length ${info} is not read here`);
  };
  const value = (): unknown => {
    const head = view.getUint8(at++);
    const [kind, info] = [head >> 5, head & 31];
    if (kind === 0) return length(info);
    if (kind === 3) {
      const size = length(info);
      at += size;
      return new TextDecoder().decode(bytes.subarray(at - size, at));
    }
    if (kind === 4) return Array.from({ length: length(info) }, value);
    if (kind === 5) {
      return Object.fromEntries(
        Array.from({ length: length(info) }, () => [String(value()), value()]),
      );
    }
    throw new Error(`cbor: kind ${kind} is not read here`);
  };
  return value();
}
