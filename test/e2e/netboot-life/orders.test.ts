import { expect, test } from "vitest";
import { Lab } from "../netboot-lab.js";
import { Neighbour } from "../netboot-tftp/neighbour.js";

const port = 18_078;

const yaml = `
approve: manual
network: { address: SERVER, subnet: 198.18.78.0/24, mode: none }
machines:
  - { name: node1, mac: MAC, address: LEASED, profile: worker }
profiles:
  - id: worker
    kernel: /assets/vmlinuz
    args: ["ignition.firstboot", "ignition.config.url=http://SERVER:${port}/ignition?mac=MAC"]
    ignition: |
      {"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/etc/token", "contents": {"source": "data:,hush"}}]}}
    secret: true
`;

test("a machine waits for its owner's word, gets its secrets once, reports, and is retired", async () => {
  await using neighbour = await Neighbour.create("order", 78);
  const [link] = JSON.parse((await neighbour.run("ip", ["-j", "link", "show", "eth0"])).stdout) as [
    { address: string },
  ];
  const mac = link.address;
  await using lab = await Lab.create(
    yaml
      .replaceAll("MAC", mac)
      .replaceAll("SERVER", neighbour.address)
      .replaceAll("LEASED", neighbour.neighbourAddress),
  );
  const at = { address: neighbour.address, port };
  await using _server = await lab.serve({ at });
  const url = `http://${at.address}:${port}`;
  const ask = async (path: string, ...more: string[]) => {
    const curl = ["--silent", "--write-out", "\n%{http_code}", "-A", "iPXE/1.21.1", ...more, `${url}${path}`];
    const lines = (await neighbour.run("curl", curl)).stdout.split("\n");
    return { status: lines.pop(), body: lines.join("\n") };
  };

  expect((await ask(`/ipxe?mac=${mac}`)).body).toContain("Not yet");
  expect((await ask(`/ignition?mac=${mac}`)).status).toBe("503");
  expect((await lab.slipway("machines")).stdout).toMatch(
    new RegExp(`node1 +${mac} +${neighbour.neighbourAddress} +discovered`),
  );

  expect((await lab.slipway("approve", "node1")).stderr).toContain("node1 is approved");
  const { body: script } = await ask(`/ipxe?mac=${mac}`);
  const config = /ignition\.config\.url=http:\/\/[^/]+(\S+)/.exec(script)?.[1];
  expect(config).toMatch(/&token=[\w-]{43}$/);
  // This machine itself asks for the neighbour: it has the token's text, and not the address.
  expect((await fetch(`${url}${config}`)).status).toBe(403);
  expect((await ask(`/ignition?mac=${mac}`)).status).toBe("403");
  expect((await ask(config!)).body).toContain("hush");
  expect((await ask(config!)).status).toBe("403");

  expect((await ask("/report", "-d", `mac=${mac}&stage=booted`)).status).toBe("200");
  const shown = (await lab.slipway("show", "node1")).stdout;
  expect(shown).toContain("ready since");
  expect(shown).not.toContain(config!.split("token=")[1]!);

  await lab.slipway("retire", "node1");
  expect((await ask(`/ipxe?mac=${mac}`)).body).toContain("its own disk");
  await expect(lab.slipway("approve", "node1")).rejects.toThrow();
  expect((await lab.slipway("reset", "node1")).stderr).toContain("discovered");
  await expect(lab.serve({ at: { ...at, port: port + 1 } })).rejects.toThrow(/is in use by process/);
});
