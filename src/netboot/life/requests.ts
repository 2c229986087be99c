import type { BootProfile, Labels } from "../inventory/types.js";
import type { MachineView, NextBoot } from "./next-boot.js";
import type { ReportStage } from "./types.js";

/** What the HTTP handler asks of a machine's life, and what it is told. */

export interface BootRequest extends Omit<MachineView, "described"> {
  labels: Labels;
  /** Where the request came from. */
  address: string;
}

/** With the token for the kernel's arguments, where the boot profile has secrets. */
export type BootAnswer = NextBoot & { token?: string };

export interface ConfigRequest extends Omit<MachineView, "described"> {
  labels: Labels;
  address: string;
  /** `ignition`, `cloud`, `generic` or `metadata`. */
  kind: string;
  /** The request's `token`. */
  token?: string | undefined;
}

/** 403 is final for Ignition, 503 is asked again. */
export type Admission =
  | {
      admit: true;
      /** To be called once: `complete` when the last byte was handed to the machine, else `broken`. */
      done(outcome: "complete" | "broken"): void;
    }
  | Refusal;

export interface Refusal<Status = 403 | 503> {
  status: Status;
  reason: string;
  /** With 503: Retry-After. */
  retryAfterSeconds?: number;
}

export interface ReportRequest {
  mac: string;
  address: string;
  stage: ReportStage;
  /** Of a node that failed. */
  reason?: string | undefined;
  token?: string | undefined;
}

/** Whether a configuration of this boot profile is given for a token only. */
export const needsToken = (profile: BootProfile | undefined): boolean => profile?.secret === true;
