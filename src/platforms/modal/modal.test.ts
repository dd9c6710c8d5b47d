import { describe, expect, it } from "vitest";

import { cloudFixture } from "../../../test/fake-cloud/cloud.ts";
import { openFakeModal } from "../../../test/fake-cloud/modal.ts";
import { describeCloud } from "../platform.suite.ts";
import { driftOf, failureOf, type ModalPlace } from "./map.ts";

describe("Modal", () => {
  describeCloud(() => cloudFixture(openFakeModal));
});

const place: ModalPlace = {
  app: "hearth",
  function: "worker",
  environment: null,
  offer: { gpu: "L4", region: null, isSpot: false },
  autoscaler: {
    minContainers: 0,
    maxContainers: 8,
    bufferContainers: 1,
    scaledownWindowMs: 60_000,
  },
};

describe("the Modal map", () => {
  it("sees that a deploy has reset the autoscaler", () => {
    expect(driftOf({}, place)).toContain("max containers 0");
    const settings = { maxContainers: 8, bufferContainers: 1, scaledownWindow: 60 };
    expect(driftOf(settings, place)).toBeUndefined();
  });

  it.each([
    [{ code: 8, details: "rate limit" }, "throttled"],
    [{ code: 5 }, "missing"],
    [{ name: "NotFoundError" }, "missing"],
    [{ code: 9, details: "spend limit reached" }, "quota"],
    [{ code: 16, details: "token is not valid" }, "refused"],
    [{ code: 14 }, "unreachable"],
    [new Error("socket"), "unreachable"],
  ])("reads the error %j as %s", (thrown, kind) => {
    expect(failureOf(thrown).kind).toBe(kind);
  });
});
