import { type FieldPath, type Locate, nowhere, type Problem, pathText } from "./problems.js";
import type { ClusterForm } from "./schema.js";

type Tree = Record<string, unknown>;

/** A form that flags write over, and which flag wrote what. What they write is checked afterwards, as a whole. */
export class Overlay {
  readonly form: ClusterForm;
  readonly problems: Problem[] = [];
  readonly #flags = new Map<string, string>();
  readonly #below: Locate;

  constructor(form: ClusterForm = {}, locate: Locate = nowhere) {
    this.form = structuredClone(form);
    this.#below = locate;
  }

  put(path: readonly string[], flag: string, value: unknown): void {
    this.#holderOf(path)[path.at(-1)!] = value;
    this.#flags.set(pathText(path), `--${flag}`);
  }

  append(path: readonly string[], flag: string, values: readonly unknown[]): void {
    if (values.length === 0) return;
    const holder = this.#holderOf(path);
    const key = path.at(-1)!;
    const before = (holder[key] ?? []) as unknown[];
    holder[key] = [...before, ...values];
    for (const i of values.keys()) this.#flags.set(pathText([...path, before.length + i]), `--${flag}`);
  }

  refuse(flag: string, message: string): void {
    this.problems.push({ path: [], where: `--${flag}`, message });
  }

  /** The flag, or the place in the file, that gave the value, or else the nearest thing around it. */
  readonly locate: Locate = (path: FieldPath) => {
    for (let length = path.length; length > 0; length--) {
      const flag = this.#flags.get(pathText(path.slice(0, length)));
      if (flag !== undefined) return flag;
    }
    return this.#below(path);
  };

  #holderOf(path: readonly string[]): Tree {
    let tree = this.form as Tree;
    for (const key of path.slice(0, -1)) {
      tree[key] ??= {};
      tree = tree[key] as Tree;
    }
    return tree;
  }
}
