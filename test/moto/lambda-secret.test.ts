import { afterEach, expect, it, onTestFinished, vi } from "vitest";

import { withSecret } from "../../src/cli/lambda/secret.ts";
import { askWithBoto, hasMoto, startMoto } from "./server.ts";

afterEach(() => void vi.unstubAllEnvs());

/** A secret with this text; returns its ARN. */
async function secretWith(text: string): Promise<string> {
  const moto = await startMoto();
  onTestFinished(() => moto.close());
  vi.stubEnv("AWS_ENDPOINT_URL", moto.url);
  vi.stubEnv("AWS_REGION", "us-east-1");
  vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test");
  const make = `print(client.create_secret(Name="hearth", SecretString=${JSON.stringify(text)})["ARN"])`;
  return askWithBoto(moto.url, "secretsmanager", make);
}

it.runIf(hasMoto)(
  "a function takes its keys from the secret, and nothing else; its own variables go first",
  async () => {
    const held = { DATABASE_URL: "postgres://db/h", HEARTH_SEAL_KEY: "seal", PATH: "/evil" };
    const HEARTH_SECRET_ID = await secretWith(JSON.stringify(held));
    const own = { HEARTH_SECRET_ID, HEARTH_SEAL_KEY: "own" };
    expect(await withSecret(own)).toEqual({ ...own, DATABASE_URL: "postgres://db/h" });
    expect(await withSecret({ A: "1" })).toEqual({ A: "1" });
    const missing = withSecret({ HEARTH_SECRET_ID: "another" });
    await expect(missing).rejects.toMatchObject({ code: "config_invalid" });
  },
  60_000,
);

it.runIf(hasMoto)(
  "a secret that is no JSON is refused without a word of it",
  async () => {
    const HEARTH_SECRET_ID = await secretWith("hunter2");
    const refused = withSecret({ HEARTH_SECRET_ID });
    await expect(refused).rejects.toMatchObject({ code: "config_invalid" });
    await expect(refused).rejects.not.toThrow(/hunter2/u);
  },
  60_000,
);
