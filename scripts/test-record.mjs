// A vitest reporter: writes how every test ended, and why those that were skipped were, for test-summary.mjs.
import { writeFileSync } from "node:fs";

export default class TestRecord {
  onTestRunEnd(modules, errors) {
    const tests = [...modules].flatMap((module) =>
      [...module.children.allTests()].map((test) => {
        const { state, note } = test.result();
        return { name: `${module.relativeModuleId} > ${test.fullName}`, state, reason: note };
      }),
    );
    const brokenFiles = [...modules].filter((module) => module.errors().length > 0).length;
    writeFileSync(
      process.env.SLIPWAY_TEST_RECORD,
      JSON.stringify({ tests, brokenFiles, errors: errors.length }),
    );
  }
}
