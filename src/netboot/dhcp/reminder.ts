/** It is told again after that time, if it goes on. */
const againMs = 60_000;
/** More subjects than that are not remembered: whoever makes up new ones shall not fill the memory. */
const maxSubjects = 256;

/** Says when to tell of what happens over and over: at the first time, and once a minute. */
export class Reminder {
  readonly #toldAt = new Map<string, number>();

  /** @param now milliseconds since 1970 */
  isDue(subject: string, now: number): boolean {
    const told = this.#toldAt.get(subject);
    if (told !== undefined && now - told < againMs && now >= told) return false;
    if (told === undefined && this.#toldAt.size >= maxSubjects) {
      for (const [other, at] of this.#toldAt) if (now - at >= againMs) this.#toldAt.delete(other);
      if (this.#toldAt.size >= maxSubjects) return false;
    }
    this.#toldAt.set(subject, now);
    return true;
  }
}
