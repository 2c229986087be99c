import type { Observation } from "../observation.js";

/** The latest observations: bounded for each machine, so that a noisy one cannot push out the others, and in total. */
export class RecentObservations {
  readonly #perMachine: number;
  readonly #total: number;
  /** By MAC, or address; the one of which something was seen last is the last. */
  readonly #byMachine = new Map<string, Observation[]>();
  #count = 0;

  constructor({ perMachine = 400, total = 40_000 }: { perMachine?: number; total?: number } = {}) {
    this.#perMachine = perMachine;
    this.#total = total;
  }

  add(observation: Observation): void {
    const key = observation.mac ?? observation.address ?? "";
    const own = this.#byMachine.get(key) ?? [];
    this.#byMachine.delete(key);
    this.#byMachine.set(key, own);
    own.push(observation);
    this.#count += 1;
    if (own.length > this.#perMachine) {
      own.shift();
      this.#count -= 1;
    }
    while (this.#count > this.#total) this.#forgetOne();
  }

  all(): Observation[] {
    return [...this.#byMachine.values()].flat();
  }

  get size(): number {
    return this.#count;
  }

  /** Of the machine that was quiet longest. */
  #forgetOne(): void {
    for (const [key, own] of this.#byMachine) {
      own.shift();
      this.#count -= 1;
      if (own.length === 0) this.#byMachine.delete(key);
      return;
    }
  }
}
