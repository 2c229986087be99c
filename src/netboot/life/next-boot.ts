import type { Decide } from "../decision.js";
import type { BootProfile, Group } from "../inventory/types.js";
import { isOutOfAttempts, maxInstallAttempts } from "./step.js";
import type { MachineLife } from "./types.js";

/** What the lab says of a machine that asks. */
export interface MachineView {
  /** Whether somebody described the machine: it is in the lab by its MAC. */
  described: boolean;
  group?: Group | undefined;
  profile?: BootProfile | undefined;
}

/**
 * Which machines boot without anybody's leave: `auto` all, `manual` none; undefined: those that the lab describes or
 * that a group with a selector is for.
 */
export type ApprovePolicy = "auto" | "manual" | undefined;

/** What a machine gets now. */
export type NextBoot = {
  because: string;
} & (
  | { type: "profile"; profile: BootProfile; group: Group }
  /** Nothing from here: the firmware goes on to its own disk. */
  | { type: "disk" }
  /** Nobody said what it is to boot. */
  | { type: "menu" }
  /** It is to ask again. */
  | { type: "wait"; seconds: number }
);

/** How long a machine that nobody approved yet waits before it asks again. */
const approvalSeconds = 10;

/** @param now milliseconds since 1970 */
export function nextBoot(
  life: MachineLife | undefined,
  view: MachineView,
  policy: ApprovePolicy,
  now: number,
  decide?: Decide,
): NextBoot {
  const next = choose(life, view, policy, now);
  decide?.({
    about: "boot",
    chosen: next.type === "profile" ? `boot profile ${next.profile.id}` : shown[next.type],
    because: next.because,
    others: [],
  });
  return next;
}

const shown = { disk: "its own disk", menu: "the menu", wait: "wait, and ask again" } as const;

function choose(
  life: MachineLife | undefined,
  view: MachineView,
  policy: ApprovePolicy,
  now: number,
): NextBoot {
  const { group, profile } = view;
  if (life?.state === "retired") return { type: "disk", because: "it is retired" };
  if (life?.installed) {
    const { profile: id, at } = life.installed;
    return { type: "disk", because: `${id} reported at ${at} that it is installed; reset installs it anew` };
  }
  if (group === undefined || profile === undefined) {
    return { type: "menu", because: "no group says what it boots" };
  }
  const approval = isApproved(life, view, policy);
  if (!approval.approved) {
    return isKnown(view)
      ? { type: "wait", seconds: approvalSeconds, because: approval.because }
      : { type: "menu", because: approval.because };
  }
  if (installsOnce(view) && isOutOfAttempts(life, now)) {
    return {
      type: "disk",
      because: `its install began ${maxInstallAttempts} times and never reported that it is done; reset lets it begin again`,
    };
  }
  return { type: "profile", profile, group, because: `${approval.because}; group ${group.id} says so` };
}

/** Whether a machine may boot what its group says, and why. */
export function isApproved(
  life: MachineLife | undefined,
  view: MachineView,
  policy: ApprovePolicy,
): { approved: boolean; because: string } {
  if (life?.state === "retired") return { approved: false, because: "it is retired" };
  if (life !== undefined && life.state !== "discovered") {
    return { approved: true, because: life.approvedBy === "person" ? "it was approved" : "it is approved" };
  }
  if (policy === "auto") return { approved: true, because: "the lab approves all machines" };
  if (policy === "manual")
    return { approved: false, because: "the lab approves none by itself, and nobody did" };
  return isKnown(view)
    ? { approved: true, because: view.described ? "the lab describes it" : "a group's selector is for it" }
    : { approved: false, because: "the lab does not know it, and nobody approved it" };
}

const isKnown = ({ described, group }: MachineView): boolean =>
  described || (group !== undefined && Object.keys(group.selector).length > 0);

/** The group's word goes before the boot profile's. */
export const installsOnce = ({ group, profile }: MachineView): boolean =>
  (group?.install ?? profile?.install) === "once";
