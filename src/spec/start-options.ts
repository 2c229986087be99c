import { parseDuration } from "./duration.js";
import { defaultWait, operationFlags, type StartFlagValues, waitParts } from "./flags.js";
import { nearText, ProblemCollector, shown, valueInvalid } from "./problems.js";

export type WaitPart = (typeof waitParts)[number];

/** How to start a cluster; what it is stands in its spec. */
export interface StartOptions {
  /** In the order of `waitParts`. */
  wait: WaitPart[];
  waitTimeoutMs: number;
  /** Leaves kubectl's current context as it is. */
  keepContext: boolean;
  /** Prints the plan and touches nothing. */
  dryRun: boolean;
  output: "text" | "json" | "yaml";
  /** No network. */
  offline: boolean;
  /** http or https URL without a final slash. */
  binaryMirror?: string;
  /** `registry/path`, without a final slash. */
  imageRepository?: string;
  downloadOnly: boolean;
  deleteOnFailure: boolean;
}

/**
 * The options of `start`, of its flags.
 *
 * @throws {SlipwayError} `USAGE` with every problem.
 */
export function startOptions(flags: StartFlagValues): StartOptions {
  const problems = new ProblemCollector((path) => `--${path[0]}`);
  const wait = problems.try(["wait"], () => parseWait(flags.wait ?? defaultWait));
  const waitTimeoutMs = problems.try(["wait-timeout"], () =>
    parseDuration(flags["wait-timeout"] ?? operationFlags["wait-timeout"].default),
  );
  const binaryMirror = problems.try(["binary-mirror"], () => checkMirror(flags["binary-mirror"]));
  const imageRepository = problems.try(["image-repository"], () =>
    checkRepository(flags["image-repository"]),
  );
  const output = problems.try(["output"], () =>
    parseOutput(flags.output ?? "text", flags["dry-run"] ?? false),
  );
  if (flags.offline && flags["download-only"]) {
    problems.add(["offline"], "cannot go together with --download-only, which uses the network");
  }
  if (flags["dry-run"] && flags["download-only"]) {
    problems.add(["dry-run"], "cannot go together with --download-only, which writes to the store");
  }
  problems.throwIfAny();
  return {
    wait: wait!,
    waitTimeoutMs: waitTimeoutMs!,
    keepContext: flags["keep-context"] ?? false,
    dryRun: flags["dry-run"] ?? false,
    output: output!,
    offline: flags.offline ?? false,
    ...(binaryMirror === undefined ? {} : { binaryMirror }),
    ...(imageRepository === undefined ? {} : { imageRepository }),
    downloadOnly: flags["download-only"] ?? false,
    deleteOnFailure: flags["delete-on-failure"] ?? false,
  };
}

/** `all` or `true`, `none` or `false`, or parts separated by commas; as minikube. @throws {SlipwayError} `CONFIG_INVALID` */
export function parseWait(text: string): WaitPart[] {
  const words = text.split(",").map((word) => word.trim());
  const [only = ""] = words;
  if (words.length === 1 && ["all", "true"].includes(only)) return [...waitParts];
  if (words.length === 1 && ["none", "false"].includes(only)) return [];
  for (const word of words) {
    if (waitParts.some((part) => part === word)) continue;
    const near = nearText(word, waitParts);
    throw valueInvalid(
      `there is no part ${shown(word)} to wait for${near || `; there are ${waitParts.join(", ")}, all, none`}`,
    );
  }
  return waitParts.filter((part) => words.includes(part));
}

function parseOutput(text: string, dryRun: boolean): StartOptions["output"] {
  if (text === "yaml" && !dryRun)
    throw valueInvalid("yaml is for --dry-run, which prints the plan; use json or text");
  if (text === "text" || text === "json" || text === "yaml") return text;
  throw valueInvalid(`${shown(text)} is not possible here; there are text, json and, with --dry-run, yaml`);
}

function checkMirror(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== "https:" && url?.protocol !== "http:") {
    throw valueInvalid(`${shown(text)} is not an http or https URL, as https://mirror.example.com`);
  }
  if (url.username !== "" || url.password !== "") {
    // The value itself is left out of the message: it holds a secret.
    throw valueInvalid(
      "the URL holds credentials, which every process on this host could read; leave them out",
    );
  }
  return text.replace(/\/+$/, "");
}

function checkRepository(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  // distribution/reference: domain[:port] and lower-case path components
  if (!/^[a-zA-Z0-9.-]+(:\d{1,5})?(\/[a-z0-9]+([._-]+[a-z0-9]+)*)*\/?$/.test(text)) {
    throw valueInvalid(
      `${shown(text)} is not a repository; write registry/path without https://, as registry.example.com/k8s`,
    );
  }
  return text.replace(/\/+$/, "");
}
