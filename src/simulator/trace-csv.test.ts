import { describe, expect, it } from "vitest";

import { parseTraceCsv } from "./trace-csv.ts";

const header =
  "gmt_create,predict_type,predict_status,exec_time_seconds,groupId,prompt_length,negative_prompt_length,num_images_per_prompt,num_inference_steps,checkpoint_model_version_id,num_lora";
const read = (...lines: readonly string[]) => parseTraceCsv("t.csv", [header, ...lines].join("\n"));
const good = "2024-11-15 16:57:50,TXT_2_IMG,SUCCEED,26.6,G1,63.0,26.0,1.0,30.0,M1,0";

describe("a trace file", () => {
  it("becomes requests with the loads taken off their times", () => {
    const trace = read(good);
    expect(trace.ok && trace.value.jobs).toEqual([
      expect.objectContaining({
        arrivalSeconds: Date.UTC(2024, 10, 15, 16, 57, 50) / 1000,
        tenant: "G1",
        model: "M1",
        warmSeconds: 18.2,
      }),
    ]);
  });
  it("may come from Windows and have empty lines and requests that never ran", () => {
    const trace = read(`${good}\r`, "", good.replace("SUCCEED", "PENDING"));
    expect(trace.ok && trace.value.jobs.length).toBe(1);
  });
  it.each([
    [good.replace("2024-11-15 16:57:50", "yesterday"), 'gmt_create "yesterday" is not a time'],
    [good.replace("26.6", "long"), 'exec_time_seconds "long" is not a number of seconds'],
    [good.replace("26.6", ""), 'exec_time_seconds "" is not a number of seconds'],
    [good.replace("M1", ""), "no checkpoint_model_version_id or no groupId"],
  ])("with a bad line is refused with the line and the reason: %s", (line, reason) => {
    expect(read(good, line)).toEqual({ ok: false, error: `t.csv, line 3: ${reason}` });
  });
  it("without its columns is refused with their names", () => {
    const trace = parseTraceCsv("t.csv", "a,b\n1,2");
    expect(trace.ok ? "" : trace.error).toContain("the header lacks gmt_create, predict_status");
  });
  it("without a request is refused", () => {
    expect(read()).toEqual({ ok: false, error: "t.csv: no request in it ever ran" });
  });
});
