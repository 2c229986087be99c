import type { ScriptEnd } from "./ipxe-state.js";
import type { BootEnd, Step } from "./story.js";

/** What it means that the scripts ended without a kernel, and what to do. */
export function endWithoutKernel(
  end: Exclude<ScriptEnd, { type: "kernel" }>,
  mac: string,
  steps: readonly Step[],
): BootEnd {
  const at = "boot script";
  const isMenu = end.type === "disk" || end.type === "asks";
  const unknown = !steps.some((step) => step.step === "http" && step.group !== undefined);
  if (unknown && (isMenu || end.type === "failed" || end.type === "exit")) {
    return {
      at,
      because: `nobody said what it boots; ${end.because}`,
      fix: `describe it in lab.yaml (machines: mac ${mac}), or add a group whose selector matches it`,
    };
  }
  switch (end.type) {
    case "waits":
      return {
        at,
        because: whyWaiting(steps) ?? end.because,
        fix: `slipway netboot approve ${mac}; here: --approved`,
      };
    case "failed":
    case "exit":
      return {
        at,
        because: end.because,
        fix: fixOfHttp(steps) ?? "slipway netboot lint says what is wrong with the lab",
      };
    case "unknown":
      return { at, because: end.because, fix: "from here on only a real boot can tell" };
    default:
      return { at, because: end.because };
  }
}

function whyWaiting(steps: readonly Step[]): string | undefined {
  const instead = steps
    .flatMap((step) => (step.step === "http" ? step.decisions : []))
    .findLast(({ about }) => about === "/ipxe");
  return instead && `it is told to wait: ${instead.because}`;
}

function fixOfHttp(steps: readonly Step[]): string | undefined {
  const failed = steps.findLast((step) => step.step === "http" && step.status >= 400);
  if (failed?.step !== "http") return undefined;
  const path = new URL(failed.url).pathname;
  return path.startsWith("/assets/")
    ? `put the file at ${path.slice(1)} of the lab, or correct the boot profile`
    : undefined;
}
