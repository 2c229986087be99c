// The end of npm test: what was skipped and why, then the sum alone on the last line.
// Usage: test-summary.mjs DIRECTORY-OF-RECORDS [FAILED-PHASE …]
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const [directory, ...failedPhases] = process.argv.slice(2);
const here = dirname(fileURLToPath(import.meta.url));

const records = ["unit", "e2e"].map((project) => {
  const path = join(directory, `${project}.json`);
  // Without a record the run itself broke; its phase is among the failed ones.
  return existsSync(path) ? { project, ...JSON.parse(readFileSync(path, "utf8")) } : { project, tests: [] };
});
const tests = records.flatMap((record) => record.tests);
const withState = (...states) => tests.filter(({ state }) => states.includes(state));

const skipped = withState("skipped", "pending");
for (const { name, reason } of skipped) console.log(`skipped: ${name}: ${reason ?? "no reason given"}`);

// Tests tell of their own failures; a phase that failed without one (check, build, a file that does not load) counts as one.
const testsFailed = (project) =>
  records.find((r) => r.project === project)?.tests.some((t) => t.state === "failed");
const otherFailures = failedPhases.filter((phase) => !testsFailed(phase));
for (const phase of otherFailures) console.log(`failed: ${phase}`);

const unexpected = process.env.CI ? skipped.filter(({ reason }) => !expectedSkips().includes(reason)) : [];
for (const { name } of unexpected)
  console.log(`failed: skipped without leave (scripts/expected-skips.txt): ${name}`);

const failed = withState("failed").length + otherFailures.length + unexpected.length;
const left = skipped.length - unexpected.length;
console.log(`${withState("passed").length} passed, ${failed} failed${left > 0 ? `, ${left} skipped` : ""}`);
process.exitCode = failed === 0 ? 0 : 1;

function expectedSkips() {
  return readFileSync(join(here, "expected-skips.txt"), "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
}
