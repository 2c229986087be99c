import type { LabNetwork } from "../inventory/types.js";
import { withoutTokens } from "../timeline/redact.js";
import type { Fetched } from "./ipxe-state.js";
import type { SimulatedMachine } from "./machine.js";
import { whoseUrl } from "./own-urls.js";
import type { Step } from "./story.js";
import type { HeardHttp, UnpluggedServer } from "./unplugged-server.js";

/** What a machine fetches by HTTP, each request a step of its story. */
export class Requests {
  readonly #server: UnpluggedServer;
  readonly #machine: SimulatedMachine;
  readonly #network: LabNetwork | undefined;
  readonly #steps: Step[];
  /** The machine's own. */
  address = "";

  constructor(
    {
      server,
      machine,
      network,
    }: { server: UnpluggedServer; machine: SimulatedMachine; network: LabNetwork | undefined },
    steps: Step[],
  ) {
    this.#server = server;
    this.#machine = machine;
    this.#network = network;
    this.#steps = steps;
  }

  /** As iPXE or UEFI fetches: scripts are read, the rest is looked up. */
  async fetch(url: string, as: "script" | "kernel" | "initrd" | "firmware"): Promise<Fetched> {
    const whose = whoseUrl(url, this.#server, this.#network);
    if (!whose.own) {
      this.note(`${url}: ${whose.because}.`);
      return { ok: true, notFollowed: true, because: whose.because };
    }
    if (whose.note) this.note(whose.note);
    const heard = await this.ask({
      client: as === "firmware" ? "UEFI" : "iPXE",
      method: as === "script" ? "GET" : "HEAD",
      target: this.#labelled(whose.target),
      url,
      headers: as === "firmware" ? { "user-agent": "UefiHttpBoot/1.0" } : { "user-agent": "iPXE/1.21.1" },
    });
    if (heard.status >= 300 && heard.status < 400 && heard.headers.location !== undefined) {
      return this.fetch(new URL(heard.headers.location, url).href, as);
    }
    if (heard.status !== 200) return { ok: false, because: `${heard.status}: ${heard.error ?? "refused"}` };
    if (as !== "script") return { ok: true };
    const text = heard.body.toString("utf8");
    if (!/^#![gi]pxe/.test(text)) return { ok: true };
    this.#steps.push({ step: "script", url, text, ran: [] });
    return { ok: true, script: text };
  }

  /** Labels that iPXE does not send by itself go into the query of `/ipxe`, as a script of the lab's own would have it. */
  #labelled(target: string): string {
    if (!target.startsWith("/ipxe?")) return target;
    const own = new Set(["uuid", "mac", "domain", "hostname", "serial", "arch"]);
    const more = Object.entries(this.#machine.labels).filter(
      ([key]) => !own.has(key) && !target.includes(`${key}=`),
    );
    if (more.length === 0) return target;
    this.note(
      `${more.map(([key]) => key).join(", ")}: iPXE does not send ${more.length === 1 ? "this label" : "these labels"} by itself; added here, as a script of your own would.`,
    );
    return `${target}&${more.map(([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(value)}`).join("&")}`;
  }

  async ask(request: {
    client: string;
    method: string;
    target: string;
    url: string;
    headers: Record<string, string>;
  }): Promise<HeardHttp> {
    const { client, method, target, url, headers } = request;
    const heard = await this.#server.hearHttp({ method, target, headers, address: this.address });
    const { group, profile } = heard.facts;
    this.#steps.push({
      step: "http",
      client,
      method,
      url: withoutTokens(new URL(target, url).href),
      status: heard.status,
      ...(heard.headers["content-type"] === undefined ? {} : { contentType: heard.headers["content-type"] }),
      bytes: heard.bytes,
      ...(group === undefined ? {} : { group }),
      ...(profile === undefined ? {} : { profile }),
      ...(heard.error === undefined ? {} : { error: heard.error }),
      decisions: heard.decisions,
    });
    return heard;
  }

  note(text: string): void {
    if (this.#steps.some((step) => step.step === "note" && step.text === text)) return;
    this.#steps.push({ step: "note", text });
  }
}
