import type { FieldPath } from "../../../spec/problems.js";
import type { InventoryProblem } from "../problem.js";
import type { BootProfile, Group, Machine, Place } from "../types.js";

/** What a finding is about; where its field stands is looked up when all are known. */
export type Subject =
  | { group: Group }
  | { profile: BootProfile }
  | { machine: Machine }
  /** The name of the lab.yaml: its settings. */
  | { lab: string }
  | { place: Place };

export interface Finding {
  severity: InventoryProblem["severity"];
  check: string;
  subject: Subject;
  /** In the words of matchbox's files: `boot.kernel`, `ignition_id`, `metadata.token`. */
  field: FieldPath;
  message: string;
}

/** Takes findings as they are made. */
export type Find = (finding: Finding) => void;

export const placeOf = (subject: Subject): Place =>
  "place" in subject
    ? subject.place
    : "lab" in subject
      ? { file: subject.lab }
      : "group" in subject
        ? subject.group.place
        : "profile" in subject
          ? subject.profile.place
          : subject.machine.place;
