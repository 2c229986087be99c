import { translateButane } from "../../ignition/butane/translate.js";
import type { LocatedProblem } from "../../ignition/parse.js";
import { describeProblem, placeOfProblem } from "../../ignition/parse.js";
import type { Decide } from "../decision.js";
import { selectGroup } from "../inventory/select.js";
import { type ConfigText, machineLabels, type Snapshot } from "../inventory/snapshot.js";
import type { BootProfile, Group } from "../inventory/types.js";
import { textToBytes } from "../template/byte-text.js";
import { grubConfig, ipxeScript } from "./boot-scripts.js";
import { cloudConfigProblem } from "./cloud-config.js";
import { sniffContentType } from "./content-type.js";
import { envFile } from "./env-file.js";
import { type IgnitionAnswer, ignitionAsWritten, ignitionFromButane, type Translate } from "./ignition.js";
import { type RequestData, templateData } from "./template-data.js";

export type DocumentKind = "ipxe" | "grub" | "ignition" | "cloud" | "generic" | "metadata";

/** Who asks: what it says of itself, and what it can read. */
export interface DocumentRequest extends RequestData {
  /** The Accept header: which Ignition specs the client reads. */
  accept?: string | undefined;
}

/** What a machine gets, or why it gets nothing: never half a document, nor an empty one in place of a bad one. */
export type RenderedDocument =
  | { status: 200; contentType: string; body: Buffer; problems: LocatedProblem[] }
  /** `problems` has what is wrong with the template or the config, with places, where that is the reason. */
  | { status: 404; reason: string; problems: LocatedProblem[] };

export interface RenderOptions {
  decide?: Decide | undefined;
  translate?: Translate;
}

/**
 * Renders one document for a machine, as matchbox does: its labels choose the group, the group its boot profile, the boot
 * profile what is rendered. Pure: a function of its arguments.
 */
export function renderDocument(
  kind: DocumentKind,
  request: DocumentRequest,
  snapshot: Snapshot,
  { decide, translate = translateButane }: RenderOptions = {},
): RenderedDocument {
  const labels = machineLabels(snapshot, request.labels);
  const group = selectGroup(snapshot.groups, labels, decide);
  if (!group) return refused("no group matches the machine's labels, and there is no default group");
  const data = () => templateData(group, { ...request, labels });
  if (kind === "metadata") return served(Buffer.from(textToBytes(envFile(data()))), "plain/text");
  const profile = snapshot.profiles.get(group.profile);
  tellProfile(group, profile, decide);
  if (!profile)
    return refused(`group ${group.id} names the boot profile ${group.profile}, which does not exist`);
  if (kind === "ipxe" || kind === "grub") return bootDocument(kind, profile);
  const name = { ignition: profile.ignitionId, cloud: profile.cloudId, generic: profile.genericId }[kind];
  const source = name === undefined ? undefined : snapshot[kind].get(name);
  tellConfig(kind, profile, name, source, decide);
  if (name === undefined) return refused(`boot profile ${profile.id} has no ${kind} config`);
  if (!source)
    return refused(`boot profile ${profile.id} names the ${kind} config ${name}, which does not exist`);
  if (source.config) return ignitionDocument(ignitionAsWritten(source.config, request.accept), decide);
  const done = source.template!.execute(data());
  if ("problem" in done) return refused(`the ${kind} config ${name} cannot be rendered`, [done.problem]);
  if (kind === "ignition") {
    return ignitionDocument(
      ignitionFromButane(done.text, source.place.file, request.accept, translate),
      decide,
    );
  }
  const wrong = kind === "cloud" ? cloudConfigProblem(done.text) : undefined;
  if (wrong) return refused(`the cloud config ${name} cannot be served: ${wrong}`);
  return served(textToBytes(done.text));
}

function bootDocument(kind: "ipxe" | "grub", { id, boot }: BootProfile): RenderedDocument {
  if (!boot.kernel) return refused(`boot profile ${id} has no kernel to boot`);
  return served(Buffer.from(kind === "ipxe" ? ipxeScript(boot) : grubConfig(boot)));
}

function ignitionDocument(answer: IgnitionAnswer, decide: Decide | undefined): RenderedDocument {
  const said = "json" in answer;
  decide?.({
    about: "Ignition spec",
    chosen: said ? `3.${answer.minor}` : undefined,
    because: said ? answer.because : answer.reason,
    others: [],
  });
  if (!said) return refused(answer.reason, answer.problems);
  return { ...served(answer.json, "application/json"), problems: answer.problems };
}

const served = (body: Buffer, contentType = sniffContentType(body)) =>
  ({ status: 200, contentType, body, problems: [] as LocatedProblem[] }) as const;

function refused(reason: string, problems: LocatedProblem[] = []): RenderedDocument {
  const first = problems.find(({ severity }) => severity === "error");
  const detail = first ? `: ${placeOfProblem(first)}: ${describeProblem(first)}` : "";
  return { status: 404, reason: reason + detail, problems };
}

function tellProfile(group: Group, profile: BootProfile | undefined, decide: Decide | undefined): void {
  decide?.({
    about: "boot profile",
    chosen: profile?.id,
    because: profile
      ? `group ${group.id} names it`
      : `group ${group.id} names ${group.profile}, which does not exist`,
    others: [],
  });
}

function tellConfig(
  kind: string,
  profile: BootProfile,
  name: string | undefined,
  source: ConfigText | undefined,
  decide: Decide | undefined,
): void {
  decide?.({
    about: `${kind} config`,
    chosen: source?.name,
    because:
      name === undefined
        ? `boot profile ${profile.id} names none`
        : `boot profile ${profile.id} names ${name}${source ? "" : ", which does not exist"}`,
    others: [],
  });
}
