import { isJsonObject, parseJson } from "../../kernel/json.ts";
import { HearthError } from "../../kernel/errors.ts";
import type { Io } from "../output.ts";

/** What a secret may set; everything else in it is left alone. */
const variables = ["DATABASE_URL", "HEARTH_SEAL_KEY", "HEARTH_BLOB_SIGNING_KEY"] as const;

/**
 * The environment with what the secret holds that `HEARTH_SECRET_ID` names, a name or an ARN of AWS
 * Secrets Manager; what the environment sets itself goes first. Errors: `config_invalid`, without a
 * word of the secret.
 */
export async function withSecret(environment: Io["environment"]): Promise<Io["environment"]> {
  const SecretId = environment["HEARTH_SECRET_ID"];
  if (SecretId === undefined || SecretId === "") return environment;
  const { GetSecretValueCommand, SecretsManagerClient } =
    await import("@aws-sdk/client-secrets-manager");
  const client = new SecretsManagerClient({});
  let text: string;
  try {
    const { SecretString = "" } = await client.send(new GetSecretValueCommand({ SecretId }));
    text = SecretString;
  } catch (cause) {
    throw invalid("cannot be read; the function's role needs secretsmanager:GetSecretValue", cause);
  } finally {
    client.destroy();
  }
  const parsed = parseJson(text, { maxDepth: 2 });
  if (!parsed.ok || !isJsonObject(parsed.value)) throw invalid("is not a JSON object");
  const { value } = parsed;
  const held = variables.flatMap((name) => {
    const each = value[name];
    return typeof each === "string" ? [[name, each] as const] : [];
  });
  return { ...Object.fromEntries(held), ...environment };
}

function invalid(reason: string, cause?: unknown): HearthError {
  const message = `The secret that HEARTH_SECRET_ID names ${reason}.`;
  return new HearthError("config_invalid", { message, cause });
}
