import { decodeDataUrl } from "../../../ignition/data-url.js";
import type { FieldPath } from "../../../spec/problems.js";
import { textKinds } from "../config-text.js";
import type { Snapshot } from "../snapshot.js";
import type { JsonValue } from "../types.js";
import type { Find } from "./finding.js";

/** What gives itself away by its form. None of them is ever printed. */
const forms: { what: string; form: RegExp }[] = [
  { what: "a private key", form: /-----BEGIN [A-Z ]*PRIVATE KEY-----/ },
  { what: "a private key", form: /client-key-data:\s*[A-Za-z0-9+/]{40}/ },
  // crypt(5)
  {
    what: "a password hash",
    form: /\$(?:1|2[abxy]|5|6|7|y|gy|argon2id?)\$[^\s"'$]{1,40}\$?[./A-Za-z0-9$]{8}/,
  },
  // kubeadm's bootstrap tokens
  { what: "a bootstrap token", form: /(?<![\w.-])[a-z0-9]{6}\.(?=[a-z]*\d)[a-z0-9]{16}(?![\w.-])/ },
  { what: "a signed token (JWT)", form: /eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}/ },
];

/** Secrets that are served to whoever asks, not for a token alone. */
export function findSecrets(snapshot: Snapshot, find: Find): void {
  const profiles = [...snapshot.profiles.values()];
  for (const kind of textKinds) {
    const guarded = new Set(profiles.filter(({ secret }) => secret).map((profile) => profile[`${kind}Id`]));
    const open = new Set(profiles.filter(({ secret }) => !secret).map((profile) => profile[`${kind}Id`]));
    for (const { name, text, place } of snapshot[kind].values()) {
      if (guarded.has(name) && !open.has(name)) continue;
      const start = place.line ?? 0;
      for (const [i, line] of text.split("\n").entries()) {
        const what = secretIn(line);
        if (what === undefined) continue;
        const subject = { place: { file: place.file, line: start + i + 1 } };
        find({
          severity: "warning",
          check: "secret",
          subject,
          field: [],
          message: `${inTheOpen(what)}; ${remedy}`,
        });
      }
    }
  }
  for (const group of snapshot.groupsById.values()) {
    if (snapshot.profiles.get(group.profile)?.secret) continue;
    for (const { what, path } of secretsOf(group.metadata, [])) {
      const message = `${inTheOpen(what)}, as metadata and by templates`;
      find({
        severity: "warning",
        check: "secret",
        subject: { group },
        field: ["metadata", ...path],
        message,
      });
    }
  }
  for (const profile of profiles) {
    for (const [i, arg] of profile.boot.args.entries()) {
      const what = secretIn(arg);
      if (what === undefined) continue;
      const message = `${inTheOpen(what)}, and every process of the machine reads its kernel arguments`;
      find({
        severity: "warning",
        check: "secret",
        subject: { profile },
        field: ["boot", "args", i],
        message,
      });
    }
  }
}

const remedy =
  "with secret: true, in a lab.yaml, a boot profile's configurations are given for a token alone";

const inTheOpen = (what: string): string => `${what} is served to whoever asks`;

function secretIn(text: string): string | undefined {
  const plain = forms.find(({ form }) => form.test(text))?.what;
  if (plain !== undefined || !text.includes("data:")) return plain;
  for (const [url] of text.matchAll(/data:[^\s"'\\]*/g)) {
    const contents = decoded(url);
    const found = forms.find(({ form }) => form.test(contents))?.what;
    if (found !== undefined) return found;
  }
  return undefined;
}

function decoded(url: string): string {
  try {
    return Buffer.from(decodeDataUrl(url)).toString("latin1");
  } catch {
    return ""; // a template's, or no data URL at all
  }
}

function* secretsOf(value: JsonValue, path: FieldPath): Generator<{ what: string; path: FieldPath }> {
  if (typeof value === "string") {
    const what = secretIn(value);
    if (what !== undefined) yield { what, path };
  } else if (typeof value === "object" && value !== null) {
    for (const [key, child] of Object.entries(value)) {
      yield* secretsOf(child, [...path, Array.isArray(value) ? Number(key) : key]);
    }
  }
}
