import { join } from "node:path";
import type { Owner } from "../../base/files.js";
import type { Observation, Observe } from "../observation.js";
import { leaseIn } from "./join.js";
import { ObservationFiles, type ObservationFilesOptions, readObservations } from "./observation-files.js";
import { redacted } from "./redact.js";

/** An observation with the machine that it is of, as far as leases told: its MAC, else its address. */
export type Witnessed = Observation & { machine?: string };

export type Listener = (observation: Witnessed) => void;

/** Addresses whose machine is remembered, for what comes in live. */
const maxAddresses = 100_000;

/** Takes all observations, without tokens: to the disk, and to whoever listens. */
export class Recorder implements AsyncDisposable {
  readonly #files: ObservationFiles;
  readonly #listeners = new Set<Listener>();
  readonly #machines = new Map<string, string>();

  private constructor(files: ObservationFiles) {
    this.#files = files;
  }

  /** @param directory the lab's state directory */
  static async open(
    directory: string,
    options: ObservationFilesOptions & { owner?: Owner | undefined } = {},
  ): Promise<Recorder> {
    const files = await ObservationFiles.open(timelineDirectory(directory), options);
    return new Recorder(files);
  }

  /** Does not throw and does not block. */
  readonly observe: Observe = (given) => {
    const observation = redacted(given);
    this.#files.add(observation);
    const machine = this.#machineOf(observation);
    for (const listener of this.#listeners) {
      try {
        listener(machine === undefined ? observation : { ...observation, machine });
      } catch {
        // Who cannot listen harms nobody else.
      }
    }
  };

  /** @returns to stop listening */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** How many listen. */
  get listeners(): number {
    return this.#listeners.size;
  }

  /** How many observations did not get to the disk. */
  get lost(): number {
    return this.#files.lost;
  }

  flush(): Promise<void> {
    return this.#files.flush();
  }

  close(): Promise<void> {
    this.#listeners.clear();
    return this.#files.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #machineOf(observation: Observation): string | undefined {
    const { mac, address } = observation;
    const lease = leaseIn(observation);
    if (lease) this.#note(lease.address, lease.mac);
    if (address === undefined) return mac;
    if (mac === undefined) return this.#machines.get(address) ?? address;
    if (!this.#machines.has(address)) this.#note(address, mac);
    return mac;
  }

  #note(address: string, mac: string): void {
    if (this.#machines.size >= maxAddresses) this.#machines.clear();
    this.#machines.set(address, mac);
  }
}

const timelineDirectory = (directory: string): string => join(directory, "timeline");

/** All that a lab's server wrote down. @param directory the lab's state directory */
export const readTimeline = (directory: string): Promise<Observation[]> =>
  readObservations(timelineDirectory(directory));
