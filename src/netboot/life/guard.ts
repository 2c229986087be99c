import { bootMenu } from "../boot-files/menu.js";
import type { DocumentRequest, Guard, Instead, Verdict } from "../http/guard.js";
import { grubConfig, ipxeScript } from "../render/boot-scripts.js";
import type { Lives } from "./lives.js";
import { needsToken } from "./requests.js";
import { diskGrub, diskScript, waitGrub, waitScript } from "./scripts.js";
import { withToken } from "./token.js";

/**
 * What the HTTP server asks before it gives a document: by the machine's life a boot script, or the disk, or a wait; and a
 * configuration, or not yet, or never.
 *
 * @param options.menu whether a machine that no group is for gets a menu; without it, matchbox's 404
 */
export function lifeGuard(lives: Lives, { menu }: { menu: boolean }): Guard {
  return (request) => {
    if (request.kind === "ipxe" || request.kind === "grub")
      return bootVerdict(lives, request.kind, request, menu);
    return configVerdict(lives, request);
  };
}

function bootVerdict(lives: Lives, kind: "ipxe" | "grub", request: DocumentRequest, menu: boolean): Verdict {
  // Only whoever reads the script boots by it.
  if (request.method === "HEAD") return needsToken(request.profile) ? headRefused : { type: "serve" };
  const next = lives.boot(request);
  const { because: reason } = next;
  const instead = (ipxe: string, grub: string, gets?: Instead): Verdict => ({
    type: "instead",
    ...(gets === undefined ? {} : { gets }),
    contentType: "text/plain; charset=utf-8",
    body: kind === "ipxe" ? ipxe : grub,
    reason,
  });
  const again = scriptUrl(request.rawQuery);
  switch (next.type) {
    case "profile": {
      if (next.token === undefined) return { type: "serve" };
      const { boot } = next.profile;
      const withIt = { ...boot, args: withToken(boot.args, next.token) };
      return instead(ipxeScript(withIt), grubConfig(withIt));
    }
    case "disk":
      return instead(diskScript(reason), diskGrub(reason), "its own disk");
    case "wait":
      return instead(waitScript(reason, next.seconds, again), waitGrub(reason, next.seconds), "a wait");
    case "menu":
      if (request.group === undefined && !menu) return { type: "serve" };
      return instead(bootMenu({ script: again }), diskGrub(reason), "a menu");
  }
}

function configVerdict(lives: Lives, request: DocumentRequest): Verdict {
  if (request.method === "HEAD") return needsToken(request.profile) ? headRefused : { type: "serve" };
  // The signature would cost the token that the configuration needs.
  if (request.signature && needsToken(request.profile)) return signatureRefused;
  // Of what is not there the handler says so itself.
  if (request.profile === undefined) return { type: "serve" };
  const admission = lives.admitConfig(request);
  if (!("admit" in admission)) return { type: "refuse", ...admission };
  return {
    type: "serve",
    ended: (whole) => admission.done(whole ? "complete" : "broken"),
  };
}

const headRefused: Verdict = {
  type: "refuse",
  status: 403,
  reason: "what holds secrets is given to GET alone",
};

/** Where a machine asks again: with its own query, if that is what iPXE sends, else from the beginning. */
const scriptUrl = (rawQuery: string): string =>
  /^[\w.~:/?#@!*+,=%&;-]+$/.test(rawQuery) ? `ipxe?${rawQuery}` : "boot.ipxe";

const signatureRefused: Verdict = {
  type: "refuse",
  status: 403,
  reason: "what holds secrets is given once, and without a signature",
};
