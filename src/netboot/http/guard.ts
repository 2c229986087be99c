import type { BootProfile, Group, Labels } from "../inventory/types.js";
import type { DocumentKind } from "../render/documents.js";

/** A machine that asks for a document. */
export interface DocumentRequest {
  kind: DocumentKind;
  /** It asks for the document's signature (`.sig`, `.asc`), not for the document. */
  signature: boolean;
  method: string;
  /** What it says of itself and what its description adds; without the token. */
  labels: Labels;
  rawQuery: string;
  /** The group that it belongs to, and that group's boot profile. */
  group: Group | undefined;
  profile: BootProfile | undefined;
  /** The machine's address. */
  address: string;
  /** The query's `token`. */
  token: string | undefined;
}

/** Whether a machine gets its document now. */
export type Verdict =
  | { type: "serve"; ended?: DocumentEnded; ready?: DocumentReady }
  /** Not, or not yet: Ignition asks again after 503, and gives up after anything below 500. */
  | { type: "refuse"; status: 403 | 404 | 503; retryAfterSeconds?: number; reason: string }
  /** Another one in its place: a menu, a script that waits, one that leaves the boot to the disk. */
  | {
      type: "instead";
      /** Undefined: its own boot profile, with something added. */
      gets?: Instead;
      contentType: string;
      body: string;
      reason: string;
      ended?: DocumentEnded;
    };

/** What a machine gets in place of its boot profile, as observations and timelines call it. */
export type Instead = "its own disk" | "a menu" | "a wait";

/** Waited for before the first byte goes out; if it fails, the machine gets 503. */
export type DocumentReady = Promise<void>;

/** Called once, when the request is over: whether the whole document went out to the machine. */
export type DocumentEnded = (whole: boolean) => void;

/** Asked before each document is made. Must not block. */
export type Guard = (request: DocumentRequest) => Verdict;
