import { AwsV4Signer } from "aws4fetch";

import { HearthError } from "../../kernel/errors.ts";

/** The headers by which a request for a URL shows who asks. */
export type Authorize = (url: URL) => Promise<Readonly<Record<string, string>>>;

const awsScheme = "AWS4-HMAC-SHA256";

/**
 * What a host's token makes of a request: `AWS4-HMAC-SHA256 <region> <access key> <secret key>
 * [<session token>]` signs it as S3 and its like want it, anything else is a bearer token.
 * Errors: `config_invalid`, which does not show the token.
 */
export function authorizeWith(host: string, token: string): Authorize {
  const [scheme, region = "", accessKeyId = "", secretAccessKey = "", sessionToken, ...rest] =
    token.split(/\s+/u);
  if (scheme !== awsScheme) return async () => ({ authorization: `Bearer ${token}` });
  if (secretAccessKey === "" || rest.length > 0) {
    const message = `models.tokens: the token for ${host} must read "${awsScheme} REGION ACCESS_KEY SECRET_KEY [SESSION_TOKEN]".`;
    throw new HearthError("config_invalid", { message, details: { host } });
  }
  const keys = {
    accessKeyId,
    secretAccessKey,
    ...(sessionToken !== undefined && { sessionToken }),
  };
  return async (url) => {
    const signer = new AwsV4Signer({
      ...keys,
      region,
      service: "s3",
      method: "GET",
      url: url.href,
    });
    const { headers } = await signer.sign();
    headers.delete("host");
    return Object.fromEntries(headers);
  };
}
