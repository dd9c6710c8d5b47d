import { generate } from "selfsigned";

export interface KeyPair {
  readonly key: string;
  readonly cert: string;
}

/** A certificate for 127.0.0.1 that signs itself, made for one test. */
export async function loopbackCertificate(): Promise<KeyPair> {
  const made = await generate([{ name: "commonName", value: "127.0.0.1" }], {
    extensions: [{ name: "subjectAltName", altNames: [{ type: 7, ip: "127.0.0.1" }] }],
  });
  return { key: made.private, cert: made.cert };
}
