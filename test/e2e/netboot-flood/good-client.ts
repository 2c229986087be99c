import { createHash } from "node:crypto";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { node1, type ServedLab } from "./served-lab.js";

const url = "http://10.88.0.1:8080";

/**
 * One of each protocol's clients, real ones, does what a machine does that boots: gets its address (udhcpc), a boot program
 * (tftp), finds a name (dig), gets its script and its configuration (curl). Fails when one of them does not get what it should.
 */
export class GoodClient {
  readonly #lab: ServedLab;
  readonly #host: string;
  rounds = 0;
  /** The longest that one thing took, with its name. */
  slowest = { what: "nothing", ms: 0 };

  constructor(lab: ServedLab, host: string) {
    this.#lab = lab;
    this.#host = host;
  }

  async boot(): Promise<void> {
    await this.#timed("DHCP", () => this.#lease());
    await this.#timed("TFTP", () => this.#bootFile());
    await this.#timed("DNS", () => this.#name());
    await this.#timed("HTTP", () => this.#documents());
    this.rounds++;
  }

  async #timed(what: string, act: () => Promise<void>): Promise<void> {
    const began = performance.now();
    await act();
    const ms = Math.round(performance.now() - began);
    if (ms > this.slowest.ms) this.slowest = { what, ms };
  }

  #path(name: string): string {
    return join(this.#lab.directory, `${this.#host}-${name}`);
  }

  async #lease(): Promise<void> {
    const script = this.#path("udhcpc.sh");
    await writeFile(script, '#!/bin/sh\necho "$1 $ip by $serverid"\n');
    await chmod(script, 0o755);
    // It asks again each second; and gives up.
    const args = ["-f", "-q", "-n", "-i", "eth0", "-s", script, "-t", "5", "-T", "1"];
    const { stdout } = await this.#lab.on(this.#host, "udhcpc", args);
    expect(stdout).toContain(`bound ${node1.address} by 10.88.0.1`);
  }

  async #bootFile(): Promise<void> {
    const hash = async (path: string) =>
      createHash("sha256")
        .update(await readFile(path))
        .digest("hex");
    const [byTftp, byHttp] = [this.#path("tftp"), this.#path("http")];
    await this.#lab.on(this.#host, "tftp", [
      "-m",
      "binary",
      "10.88.0.1",
      "-c",
      "get",
      "undionly.kpxe",
      byTftp,
    ]);
    await this.#curl("/boot-files/undionly.kpxe", "-o", byHttp);
    expect(await hash(byTftp)).toBe(await hash(byHttp));
  }

  async #name(): Promise<void> {
    const args = ["+short", "+tries=3", "+time=2", "@10.88.0.1", "node1.lab.test"];
    expect((await this.#lab.on(this.#host, "dig", args)).stdout).toBe(node1.address);
  }

  async #documents(): Promise<void> {
    expect(await this.#curl(`/ipxe?mac=${node1.mac}`)).toContain("kernel /assets/kernel console=ttyS0");
    expect(decodeURIComponent(await this.#curl(`/ignition?mac=${node1.mac}`))).toContain(`mac=${node1.mac}`);
  }

  async #curl(path: string, ...more: string[]): Promise<string> {
    const args = ["-sSf", "--max-time", "10", ...more, url + path];
    return (await this.#lab.on(this.#host, "curl", args)).stdout;
  }
}
