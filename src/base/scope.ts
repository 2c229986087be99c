/**
 * Collects clean-ups and runs them last to first, each one even when another failed. Node 20 has no
 * AsyncDisposableStack; with `await using` this is the part of it that we need.
 */
export class Scope implements AsyncDisposable {
  readonly #cleanups: (() => unknown)[] = [];

  /** Registers a clean-up. */
  defer(cleanup: () => unknown): void {
    this.#cleanups.push(cleanup);
  }

  /** Takes ownership of a disposable value and hands it back. */
  use<T extends AsyncDisposable>(value: T): T {
    this.defer(() => value[Symbol.asyncDispose]());
    return value;
  }

  /** Forgets all clean-ups: what was built stays. */
  keep(): void {
    this.#cleanups.length = 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const failures: unknown[] = [];
    for (let cleanup = this.#cleanups.pop(); cleanup; cleanup = this.#cleanups.pop()) {
      try {
        await cleanup();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length === 1) throw failures[0];
    if (failures.length > 1) throw new AggregateError(failures, "several clean-ups failed");
  }
}
