import { describe, expect, it } from "vitest";

import { signGetPath, signPutPath, verifySignedUrl } from "./signed-url.ts";

const signingKey = new Uint8Array(32).fill(7);

describe("signed URLs of the gateway", () => {
  const read = {
    expiresInMs: 1000,
    contentType: "image/png",
    filename: "ä b.png",
    disposition: "inline",
  } as const;
  const write = { expiresInMs: 1000, contentType: "image/png", sizeBytes: 12 };

  it("say what was signed", () => {
    const getPath = signGetPath("jobs/1/a", read, 0, signingKey);
    expect(verifySignedUrl("GET", getPath, 999, signingKey)).toEqual({
      ok: true,
      value: {
        method: "GET",
        key: "jobs/1/a",
        contentType: "image/png",
        filename: "ä b.png",
        disposition: "inline",
      },
    });
    const putPath = signPutPath("jobs/1/a", write, 0, signingKey);
    expect(verifySignedUrl("PUT", putPath, 999, signingKey)).toMatchObject({
      ok: true,
      value: { method: "PUT", sizeBytes: 12 },
    });
  });

  it("are refused when late, for another method or key, or with any field changed", () => {
    const path = signPutPath("jobs/1/a", write, 0, signingKey);
    const refusal = (method: string, text: string, nowMs = 0): unknown => {
      const verified = verifySignedUrl(method, text, nowMs, signingKey);
      return verified.ok ? verified.value : verified.error;
    };
    expect(refusal("PUT", path, 1000)).toBe("expired");
    expect(refusal("GET", path)).toBe("forged");
    expect(refusal("PUT", path.replace("jobs/1/a", "jobs/1/b"))).toBe("forged");
    expect(refusal("PUT", path.replace("size=12", "size=13"))).toBe("forged");
    expect(refusal("PUT", path.replace("exp=1000", "exp=9000"))).toBe("forged");
    expect(refusal("PUT", path.replace("/blobs/jobs", "/blobs/../jobs"))).toBe("malformed");
    expect(refusal("PUT", "/blobs/jobs/1/a")).toBe("malformed");
    expect(refusal("PUT", `${path}?size=13`)).toBe("forged");
    expect(refusal("PUT", `${path}&size=13`)).toBe("forged");
    expect(refusal("DELETE", path)).toBe("forged");
  });
});
