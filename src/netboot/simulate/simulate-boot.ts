import { describeProblem, parseIgnition, placeOfProblem } from "../../ignition/parse.js";
import { bootFilesPath } from "../dhcp/boot-file.js";
import type { LabNetwork } from "../inventory/types.js";
import { encodeRequest } from "../tftp/codec.js";
import { withoutTokens } from "../timeline/redact.js";
import { type Configured, dhcpStage } from "./dhcp-stage.js";
import { runScripts } from "./ipxe-script.js";
import { IpxeSettings } from "./ipxe-settings.js";
import type { RanLine, ScriptEnd } from "./ipxe-state.js";
import { firmwareStage, ipxeBuild, ipxeStage, type SimulatedMachine } from "./machine.js";
import { whoseUrl } from "./own-urls.js";
import { Requests } from "./requests.js";
import { endWithoutKernel } from "./script-end.js";
import type { BootEnd, ScriptStep, Simulation, Step } from "./story.js";
import type { UnpluggedServer } from "./unplugged-server.js";

export interface SimulateOptions {
  server: UnpluggedServer;
  machine: SimulatedMachine;
  /** Where it is plugged in; undefined: the lab knows no network, and the boot begins with iPXE. */
  network: LabNetwork | undefined;
}

/** Boots a machine that is not there, from power-on as far as what is served leads. */
export async function simulateBoot(options: SimulateOptions): Promise<Simulation> {
  const boot = new Boot(options);
  const end = await boot.run();
  return boot.result(end);
}

/** What a machine without a network of ours has from elsewhere. */
const elsewhere: Configured = { address: "192.0.2.2", nextServer: "192.0.2.1", file: "", settings: {} };

const isEnd = (value: Configured | BootEnd | undefined): value is BootEnd =>
  value !== undefined && "at" in value;

class Boot {
  readonly #server: UnpluggedServer;
  readonly #machine: SimulatedMachine;
  readonly #network: LabNetwork | undefined;
  readonly #steps: Step[] = [];
  readonly #requests: Requests;
  #kernel: Extract<ScriptEnd, { type: "kernel" }> | undefined;
  #ignition: Simulation["ignition"];

  constructor({ server, machine, network }: SimulateOptions) {
    this.#server = server;
    this.#machine = machine;
    this.#network = network;
    this.#requests = new Requests({ server, machine, network }, this.#steps);
  }

  result(end: BootEnd): Simulation {
    const { mac } = this.#machine;
    const name = this.#server.snapshot.machines.byMac.get(mac)?.name;
    const network = this.#network;
    return {
      machine: {
        ...this.#machine,
        ...(name === undefined ? {} : { name }),
        ...(this.#requests.address === "" ? {} : { address: this.#requests.address }),
      },
      ...(network
        ? {
            network: {
              ...(network.interface === undefined ? {} : { interface: network.interface }),
              address: network.address,
              subnet: network.subnet,
              mode: network.mode,
            },
          }
        : {}),
      boots: end.at === "booted",
      end: { ...end, because: withoutTokens(end.because) },
      steps: this.#steps,
      ...(this.#kernel
        ? {
            kernel: {
              url: this.#kernel.kernel.url,
              args: this.#kernel.kernel.args.map(withoutTokens),
              initrds: this.#kernel.initrds.map(({ url }) => url),
            },
          }
        : {}),
      ...(this.#ignition ? { ignition: this.#ignition } : {}),
    };
  }

  async run(): Promise<BootEnd> {
    const configured = await this.#toIpxe();
    if (isEnd(configured)) return configured;
    const scriptUrl = configured.file;
    if (!URL.canParse(scriptUrl)) {
      return {
        at: "boot script",
        because: `iPXE is told ${scriptUrl === "" ? "no script" : `"${scriptUrl}", no URL`}`,
      };
    }
    const settings = this.#settings(configured);
    const first = await this.#requests.fetch(scriptUrl, "script");
    if (!first.ok || first.script === undefined) {
      return { at: "boot script", because: `${scriptUrl}: ${first.because ?? "it is no script"}` };
    }
    const fetch = (url: string, as: "script" | "kernel" | "initrd") => this.#requests.fetch(url, as);
    const begin = (url: string, ran: RanLine[]) => this.#begin(url, ran);
    const end = await runScripts({ settings, fetch, begin }, scriptUrl, first.script);
    this.#redactScripts();
    if (end.type !== "kernel") return endWithoutKernel(end, this.#machine.mac, this.#steps);
    this.#kernel = end;
    return this.#bootKernel(end);
  }

  /** DHCP and the boot file, until iPXE runs and knows its script. */
  async #toIpxe(): Promise<Configured | BootEnd> {
    const { firmware } = this.#machine;
    const network = this.#network;
    if (!network || network.mode === "none") {
      const file = `${this.#server.httpUrl(network)}/boot.ipxe`;
      this.#requests.note(
        `The lab has no DHCP ${network ? "on this network" : "server, as it names no network"}: another server is to start iPXE and name it ${file}. The simulation begins there.`,
      );
      this.#requests.address = elsewhere.address;
      this.#server.gaveAddress(this.#machine.mac, elsewhere.address);
      return { ...elsewhere, file };
    }
    const server = this.#server;
    const turn = { server, network, machine: this.#machine, steps: this.#steps };
    const stage = firmwareStage(firmware);
    if (stage) {
      const configured = dhcpStage({ ...turn, stage });
      if (isEnd(configured)) return configured;
      this.#requests.address = configured.address;
      const failed = await this.#bootFile(configured);
      if (failed) return failed;
      if (this.#isOwn(configured.file)) {
        this.#requests.note("It is a file of the lab's own: the simulation goes on as if it were iPXE.");
      }
    }
    this.#requests.note(
      stage ? "iPXE runs, and asks for an address of its own." : "iPXE of the network card runs.",
    );
    const configured = dhcpStage({ ...turn, stage: ipxeStage(firmware) });
    if (!isEnd(configured)) this.#requests.address = configured.address;
    return configured;
  }

  /** @param file a name for TFTP, or a URL */
  #isOwn(file: string): boolean {
    return [...this.#server.snapshot.ownBootFiles.keys()].some(
      (name) => file === name || file.endsWith(`${bootFilesPath}/${encodeURI(name)}`),
    );
  }

  async #bootFile({ file, nextServer }: Configured): Promise<BootEnd | undefined> {
    const fix =
      "name a file of your own in lab.yaml (bootFiles), serve it by another TFTP server of the network, or boot by other firmware";
    if (file === "") {
      const decision = this.#steps
        .flatMap((step) => (step.step === "dhcp" ? step.decisions : []))
        .findLast(({ about }) => about === "boot file");
      return {
        at: "boot file",
        because: `the server names none: ${decision?.because ?? "it has none"}`,
        fix,
      };
    }
    if (/^https?:/.test(file)) {
      const { ok, because } = await this.#requests.fetch(file, "firmware");
      return ok ? undefined : { at: "boot file", because: `${file}: ${because}`, fix };
    }
    const name = file.replace(/^tftp:\/\/[^/]*\//, "");
    const asked = { tsize: "0", blksize: "1468" };
    const request = {
      type: "read",
      file: name,
      mode: "octet",
      options: new Map(Object.entries(asked)),
    } as const;
    const answer = this.#server.hearTftp(encodeRequest(request), this.#requests.address);
    const step = { step: "tftp" as const, file: name, server: nextServer, asked };
    if (answer?.type !== "transfer") {
      const error = answer?.why ?? "there is no answer";
      this.#steps.push({ ...step, granted: {}, error });
      return { at: "boot file", because: `${name} over TFTP: ${error}`, fix };
    }
    const granted = Object.fromEntries(answer.terms.granted);
    this.#steps.push({ ...step, granted, bytes: answer.source.size });
    answer.source.close();
    return undefined;
  }

  #settings(configured: Configured): IpxeSettings {
    const { mac, uuid, firmware, labels } = this.#machine;
    const { arch, ...said } = labels;
    const build = ipxeBuild(firmware);
    const settings = new IpxeSettings({
      ...{ version: "1.21.1", serial: "", product: "", manufacturer: "", hostname: "", domain: "" },
      ...configured.settings,
      ...{ mac, uuid, ...build, "user-class": "iPXE" },
      ...said,
      ...(arch === undefined ? {} : { buildarch: arch }),
    });
    return settings;
  }

  #begin(url: string, ran: RanLine[]): void {
    const step = this.#steps.findLast(
      (each): each is ScriptStep => each.step === "script" && each.url === url,
    );
    if (step && step.ran.length === 0) step.ran = ran;
    else this.#steps.push({ step: "script", url, text: "", ran });
  }

  /** Tokens are secrets, in a story too. */
  #redactScripts(): void {
    for (const step of this.#steps) {
      if (step.step !== "script") continue;
      step.text = withoutTokens(step.text);
      step.ran = step.ran.map((ran) => ({ ...ran, command: withoutTokens(ran.command) }));
    }
  }

  async #bootKernel({ kernel }: Extract<ScriptEnd, { type: "kernel" }>): Promise<BootEnd> {
    const argument = kernel.args.findLast((arg) => configArgument.test(arg));
    const url = argument?.replace(configArgument, "");
    const started = `${kernel.url} is started`;
    if (url === undefined)
      return { at: "booted", because: `${started}; no argument names an Ignition config` };
    if (!URL.canParse(url)) {
      return {
        at: "Ignition",
        because: `the argument ${withoutTokens(argument!)} holds no URL`,
        fix: "correct the boot profile's args",
      };
    }
    const whose = whoseUrl(url, this.#server, this.#network);
    if (!whose.own) {
      this.#requests.note(`${withoutTokens(url)}: ${whose.because}.`);
      return {
        at: "booted",
        because: `${started}; its Ignition config is ${withoutTokens(url)}, ${whose.because}`,
      };
    }
    if (whose.note) this.#requests.note(whose.note);
    const heard = await this.#requests.ask({
      client: "Ignition",
      method: "GET",
      target: whose.target,
      url,
      headers: ignitionHeaders,
    });
    if (heard.status !== 200) {
      const why = `${heard.status}: ${heard.error ?? heard.body.toString("utf8").trim()}`;
      return {
        at: "Ignition",
        because:
          heard.status >= 500
            ? `${why}; Ignition asks again until it gets it`
            : `${why}; Ignition gives up, and the boot ends in its emergency shell`,
        fix: "slipway netboot lint says what is wrong with the lab",
      };
    }
    const { config, problems } = parseIgnition(heard.body.toString("utf8"), "ignition");
    if (!config) {
      const first = problems.find(({ severity }) => severity === "error")!;
      return {
        at: "Ignition",
        because: `its config is not valid: ${placeOfProblem(first)}: ${describeProblem(first)}`,
      };
    }
    this.#ignition = config;
    for (const source of [...(config.ignition.config?.merge ?? []), config.ignition.config?.replace]) {
      if (source?.source)
        this.#requests.note(
          `The config goes on with ${withoutTokens(source.source)}, which is not followed.`,
        );
    }
    return {
      at: "booted",
      because: `${started}, and Ignition has a valid config of spec ${config.ignition.version}`,
    };
  }
}

/** How Ignition 2.24 asks (internal/resource/url.go). */
const ignitionHeaders = {
  accept: "application/vnd.coreos.ignition+json;version=3.5.0, */*;q=0.1",
  "accept-encoding": "identity",
  "user-agent": "Ignition/2.24.0",
};

/** Of Ignition on bare metal, of Flatcar, and of Container Linux before it. */
const configArgument =
  /^(?:ignition\.config\.url|flatcar\.config\.url|coreos\.config\.url|coreos\.inst\.ignition_url)=/;
