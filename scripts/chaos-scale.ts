import { runScale } from "../test/chaos/scale.ts";

const reports = [await runScale(false), await runScale(true)];
console.log(JSON.stringify(reports, null, 2));
const isGood = reports.every(
  (report) =>
    report.succeeded === report.jobs &&
    report.disturbedAttempts === 0 &&
    report.instances === report.mostWorkers &&
    report.drainReasons.length === report.launched &&
    report.takeoverS < 10,
);
process.exit(isGood ? 0 : 1);
