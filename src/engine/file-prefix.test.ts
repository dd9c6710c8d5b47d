import { describe, expect, it } from "vitest";
import { fillPrefix, nextCounter, splitPrefix } from "./file-prefix.ts";

const nowMs = new Date(2026, 0, 2, 3, 4, 5).getTime();

describe("a file name prefix", () => {
  it("is filled with the picture's size and the local time", () => {
    expect(fillPrefix("%width%x%height%", 64, 32, nowMs)).toBe("64x32");
    expect(fillPrefix("%year%-%month%-%day% %hour%%minute%%second%", 0, 0, nowMs)).toBe(
      "2026-01-02 030405",
    );
    expect(fillPrefix("%date:yyyy-MM-dd%_%date:yy.M.d hh:mm:ss%", 0, 0, nowMs)).toBe(
      "2026-01-02_26.1.2 03:04:05",
    );
    expect(fillPrefix("100% %unknown% %batch_num%", 0, 0, nowMs)).toBe(
      "100% %unknown% %batch_num%",
    );
  });

  it("has a folder part and a name part", () => {
    expect(splitPrefix("pic")).toEqual({ subfolder: "", name: "pic" });
    expect(splitPrefix("a\\b/pic")).toEqual({ subfolder: "a/b", name: "pic" });
    expect(splitPrefix("a/b/")).toEqual({ subfolder: "a/b", name: "" });
  });

  it("counts on from the largest number of its own name", () => {
    const names = ["pic_00001_.png", "PIC_00041_.webp", "pic_x_00099_.png", "pics_00100_.png"];
    expect(nextCounter(names, "pic")).toBe(42);
    expect(nextCounter([], "pic")).toBe(1);
    expect(nextCounter(["pic_99999999999999999999_.png"], "pic")).toBe(1);
  });
});
