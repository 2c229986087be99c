import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { run } from "../../../src/base/run.js";
import { applyIgnition } from "../../../src/ignition/apply/apply.js";
import type { IgnitionUnit } from "../../../src/ignition/config.js";
import { layBaseTree } from "./base-tree.js";
import { describeTree } from "./tree.js";

/** `systemctl --root` is what says which links enabling a unit makes. */
let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "slipway-enable-"));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

const service = "[Service]\nExecStart=/bin/true\n";

const cases: Record<string, IgnitionUnit[]> = {
  "wanted by a target": [
    { name: "a.service", contents: `${service}[Install]\nWantedBy=multi-user.target\n` },
  ],
  "wanted and required by several, on two lines": [
    {
      name: "a.service",
      contents: `${service}[Install]\nWantedBy=multi-user.target network.target\nWantedBy=x.target\nRequiredBy=y.target\n`,
    },
  ],
  "a list that is cleared": [
    {
      name: "a.service",
      contents: `${service}[Install]\nWantedBy=one.target\nWantedBy=\nWantedBy=two.target\n`,
    },
  ],
  aliases: [{ name: "a.service", contents: `${service}[Install]\nAlias=b.service c.service\n` }],
  "other units along with it": [
    { name: "a.service", contents: `${service}[Install]\nAlso=a.socket\nWantedBy=multi-user.target\n` },
    { name: "a.socket", contents: "[Socket]\nListenStream=1\n[Install]\nWantedBy=sockets.target\n" },
  ],
  "instances of a template": [
    { name: "t@.service", contents: `${service}[Install]\nWantedBy=multi-user.target\n`, enabled: false },
    { name: "t@one.service" },
    { name: "t@two.service" },
  ],
  "a template with a default instance": [
    {
      name: "t@.service",
      contents: `${service}[Install]\nWantedBy=multi-user.target\nDefaultInstance=main\n`,
    },
  ],
  specifiers: [
    { name: "p-q.service", contents: `${service}[Install]\nWantedBy=%N.target\nAlias=%p-too.service\n` },
    { name: "t@.service", contents: `${service}[Install]\nWantedBy=%i.target %p.target\n`, enabled: false },
    { name: "t@one.service" },
  ],
  "a unit of the image": [{ name: "off.service" }],
  "a unit without an [Install] section": [{ name: "static.service" }],
  "a masked unit": [{ name: "timer.service", mask: true }],
};

test.each(Object.entries(cases))("%s", async (name, units) => {
  const id = name.replace(/\W/g, "-");
  for (const tree of ["ours", "theirs"]) {
    await mkdir(join(scratch, id, tree), { recursive: true });
    layBaseTree(join(scratch, id, tree));
  }
  const [ours, theirs] = [join(scratch, id, "ours"), join(scratch, id, "theirs")];
  const config = { ignition: { version: "3.4.0" }, systemd: { units } };
  const wanted = units.filter(({ enabled, mask }) => enabled !== false && !mask).map((unit) => unit.name);
  const enabled = units.map((unit) => (wanted.includes(unit.name) ? { ...unit, enabled: true } : unit));

  await applyIgnition(config, theirs, { now: new Date() });
  if (wanted.length > 0) await run("systemctl", ["--root", theirs, "enable", ...wanted]);
  await applyIgnition({ ...config, systemd: { units: enabled } }, ours, {
    now: new Date(),
    enableUnits: "symlinks",
  });

  const preset = /^\/etc\/systemd\/system-preset/;
  expect(describeTree(ours, preset)).toEqual(describeTree(theirs, preset));
});
