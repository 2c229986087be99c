import { expect, test } from "vitest";
import { readLives } from "../../../src/netboot/life/lives.js";
import { Lab } from "../netboot-lab.js";
import { ownLink } from "./own-link.js";

const address = "10.99.77.1";
const port = 18_077;
const at = { address, port };
const url = `http://${address}:${port}`;
const rounds = 4;

const yaml = `
approve: auto
groups:
  - { id: all, profile: installer }
profiles:
  - { id: installer, kernel: /assets/vmlinuz, install: once }
`;

test("whenever the server is killed, a machine whose report was taken is never installed again", async () => {
  await using _link = await ownLink(address);
  await using lab = await Lab.create(yaml);
  const taken: string[] = [];
  let begun = 0;
  for (let round = 0; round < rounds; round++) {
    const server = await lab.serve({ at });
    let killed = false;
    const machines = Array.from({ length: 6 }, async () => {
      while (!killed) {
        const mac = `52:54:00:01:${hex(begun >> 8)}:${hex(begun++ & 255)}`;
        try {
          expect(await scriptOf(mac)).toContain("kernel /assets/vmlinuz");
          const report = new URLSearchParams({ mac, stage: "installed" });
          const response = await fetch(`${url}/report`, { method: "POST", body: report });
          if (response.ok) taken.push(mac);
          else expect.fail(`${response.status} ${await response.text()}`);
        } catch (error) {
          // Cut off by the kill: nobody was told anything.
          if (!killed && !(error instanceof TypeError)) throw error;
        }
      }
    });
    await new Promise((resolve) => setTimeout(resolve, 200 + 300 * round));
    killed = true;
    await server.end("SIGKILL");
    await Promise.all(machines);
  }
  expect(taken.length).toBeGreaterThan(20);

  const lives = await readLives(lab.state);
  const ready = new Set(
    lives.filter(({ state, installed }) => state === "ready" && installed).map(({ mac }) => mac),
  );
  expect(taken.filter((mac) => !ready.has(mac))).toEqual([]);

  const [first, ...others] = taken;
  {
    await using _server = await lab.serve({ at });
    for (const mac of taken) {
      const script = await scriptOf(mac);
      expect(script).not.toContain("kernel");
      expect(script).toContain("exit 1");
    }
  }
  await lab.slipway("reset", first!);
  await using _server = await lab.serve({ at });
  expect(await scriptOf(first!)).toContain("kernel /assets/vmlinuz");
  expect(await scriptOf(others[0]!)).not.toContain("kernel");
  const shown = (await lab.slipway("show", others[0]!)).stdout;
  expect(shown).toMatch(/ready since .*boot profile installer.*boots from its disk since/);
});

const scriptOf = async (mac: string): Promise<string> => (await fetch(`${url}/ipxe?mac=${mac}`)).text();

const hex = (byte: number): string => byte.toString(16).padStart(2, "0");
