import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TestHome } from "../harness.js";

// What `netboot serve` is refused: at once, and before anything is written.

let home: TestHome;
let lab: string;
beforeAll(async () => {
  home = await TestHome.create();
  lab = join(home.directory, "lab");
  await mkdir(lab);
  await writeFile(join(lab, "lab.yaml"), "apiVersion: slipway.dev/v1alpha1\nkind: Lab\nprofiles: []\n");
  await mkdir(join(home.directory, "tls"));
  await writeFile(
    join(home.directory, "tls/lab.yaml"),
    "apiVersion: slipway.dev/v1alpha1\nkind: Lab\nprofiles: []\nhttp:\n  tls:\n    certificate: no.pem\n    key: lab.yaml\n",
  );
});
afterAll(() => home[Symbol.asyncDispose]());

test.each([
  [["--port", "99999"], /--port: "99999" is not a port.*\[USAGE\]/],
  [["--port", "x"], /--port: "x" is not a port.*\[USAGE\]/],
  [["--address", "nonsense"], /--address: "nonsense" is not an IP address.*\[USAGE\]/],
  [["--dhcp-range", "10.0.0.1-10.0.0.2"], /--dhcp-range needs --interface.*\[USAGE\]/],
  [["more"], /netboot serve does not take more.*\[USAGE\]/],
  [["--interface", "slipway-none"], /there is no interface slipway-none.*\[CONFIG_INVALID\]/],
  [["--key-ring", "/nowhere"], /the key ring \/nowhere cannot be read.*\[CERTIFICATE_INVALID\]/],
])("%j is refused: %s", async (more, message) => {
  const { exitCode, stderr } = await home.slipway(["netboot", "serve", lab, ...more], {
    allowFailure: true,
    timeoutMs: 30_000,
  });
  expect(exitCode).toBeGreaterThan(0);
  expect(stderr).toMatch(message);
  expect(await readdir(home.directory)).not.toContain("state");
});

test("a certificate that is not there is told with its field and line", async () => {
  const tls = join(home.directory, "tls");
  const { stderr } = await home.slipway(["netboot", "serve", tls], { allowFailure: true, timeoutMs: 30_000 });
  expect(stderr).toContain(`lab.yaml:6:5 http.tls.certificate: there is no file ${tls}/no.pem`);
  expect(stderr).toContain(`slipway netboot lint ${tls}`);
  expect(await readdir(home.directory)).not.toContain("state");
});

test.each(["/proc/x", "/proc/x/y", "/dev/null/x"])(
  "--state %s cannot be, and is said at once",
  async (state) => {
    const { exitCode, stderr } = await home.slipway(["netboot", "serve", lab, "--state", state], {
      allowFailure: true,
      timeoutMs: 30_000,
    });
    expect(exitCode).toBeGreaterThan(0);
    expect(stderr).toMatch(/could not be written.*\[STATE_WRITE_FAILED\]\n {2}try /);
  },
);
