import type { TemplateLimits } from "./budget.js";
import { fail, TemplateFailure } from "./failure.js";
import { formatPlain, sortedKeys } from "./format.js";
import { functions, shortCircuit } from "./functions.js";
import { describe, walk } from "./operands.js";
import { mainName } from "./parser.js";
import type { Command, Operand, Pipe, TemplateNode } from "./tree.js";
import { Byte, entriesOf, isList, isTrue, typeOf, type Value } from "./values.js";

/** Runs a template's trees on data; the text it makes. `missingkey=error`. @throws {TemplateFailure} */
export function executeTrees(
  trees: ReadonlyMap<string, TemplateNode[]>,
  data: Value,
  limits: TemplateLimits,
): string {
  const execution = new Execution(trees, limits);
  execution.tree(mainName, data, 0);
  return execution.text;
}

/** No value came from an earlier stage of the pipeline. */
const none: unique symbol = Symbol("no value");
type Piped = Value | typeof none;

/** How a list of nodes was left. */
type Left = "at its end" | "break" | "continue";

class Execution {
  text = "";
  readonly #trees: ReadonlyMap<string, TemplateNode[]>;
  readonly #limits: TemplateLimits;
  #bytes = 0;
  #steps = 0;
  #depth = 0;
  /** Where we are, for what a function throws. */
  #offset = 0;
  /** Variables: the newest last. */
  #names: string[] = [];
  #values: Value[] = [];
  readonly #spendHere = (characters: number) => this.#spend(characters, this.#offset);

  constructor(trees: ReadonlyMap<string, TemplateNode[]>, limits: TemplateLimits) {
    this.#trees = trees;
    this.#limits = limits;
  }

  /** One template on its data: it sees no variables but `$`. */
  tree(name: string, dot: Value, offset: number): void {
    const nodes = this.#trees.get(name) ?? fail(offset, `template "${name}" is not defined`);
    const [names, values] = [this.#names, this.#values];
    this.#names = ["$"];
    this.#values = [dot];
    this.#list(nodes, dot);
    this.#names = names;
    this.#values = values;
  }

  #list(nodes: TemplateNode[], dot: Value): Left {
    if (++this.#depth > this.#limits.depth) this.#tooDeep(nodes[0]?.offset ?? 0);
    for (const node of nodes) {
      const left = this.#node(node, dot);
      if (left !== "at its end") {
        this.#depth--;
        return left;
      }
    }
    this.#depth--;
    return "at its end";
  }

  #node(node: TemplateNode, dot: Value): Left {
    this.#spend(0, node.offset);
    switch (node.kind) {
      case "text":
        this.#write(node.text, node.bytes, node.offset);
        return "at its end";
      case "action": {
        const value = this.#pipe(node.pipe, dot);
        if (node.pipe.variables.length === 0) this.#print(value, node.offset);
        return "at its end";
      }
      case "if":
      case "with": {
        const mark = this.#names.length;
        const left = this.#branch(node, dot);
        this.#forget(mark);
        return left;
      }
      case "range": {
        const mark = this.#names.length;
        const left = this.#range(node, dot);
        this.#forget(mark);
        return left;
      }
      case "template":
        this.tree(node.name, node.pipe && this.#pipe(node.pipe, dot), node.offset);
        return "at its end";
      default:
        return node.kind;
    }
  }

  #branch(first: TemplateNode & { kind: "if" | "with" }, dot: Value): Left {
    // A chain of {{else if}} is walked in a loop: it may be long.
    for (let node = first; ; ) {
      const value = this.#pipe(node.pipe, dot);
      if (isTrue(value)) return this.#list(node.body, node.kind === "with" ? value : dot);
      const [next, ...others] = node.otherwise;
      if (next?.kind !== node.kind || others.length > 0) return this.#list(node.otherwise, dot);
      this.#spend(0, next.offset);
      node = next as typeof first;
    }
  }

  #range({ pipe, body, otherwise, offset }: TemplateNode & { kind: "range" }, dot: Value): Left {
    const over = this.#pipe(pipe, dot);
    const mark = this.#names.length;
    let count = 0;
    for (const [key, value] of this.#items(over, pipe.variables.length > 1, offset)) {
      count++;
      this.#spend(0, offset);
      this.#setLoopVariables(pipe, key, value);
      const left = this.#list(body, value);
      this.#forget(mark);
      if (left === "break") break;
    }
    return count === 0 ? this.#list(otherwise, dot) : "at its end";
  }

  *#items(over: Value, wantsKeys: boolean, offset: number): Generator<[Value, Value]> {
    if (over === undefined || over === null) return;
    if (isList(over)) {
      for (const [i, value] of over.entries()) yield [wantsKeys ? BigInt(i) : undefined, value];
      return;
    }
    const entries = entriesOf(over);
    if (entries) {
      const keys = Object.keys(entries);
      this.#spend(keys.length * 64, offset);
      for (const key of sortedKeys(entries)) yield [key, entries[key] as Value];
      return;
    }
    if (typeof over !== "bigint" && !(over instanceof Byte)) {
      const hint = typeof over === "number" ? ": numbers of JSON are floats" : "";
      fail(offset, `range cannot go over a ${typeOf(over)}${hint}`);
    }
    if (wantsKeys) fail(offset, `range over a ${typeOf(over)} has one variable only`);
    const byte = over instanceof Byte;
    const end = byte ? BigInt(over.value) : (over as bigint);
    for (let i = 0n; i < end; i++) yield [undefined, byte ? new Byte(Number(i)) : i];
  }

  #setLoopVariables({ variables, assigns }: Pipe, key: Value, value: Value): void {
    if (variables.length === 0) return;
    if (assigns) {
      this.#assign(variables[0]!, variables.length > 1 ? key : value, 0);
      if (variables.length > 1) this.#assign(variables[1]!, value, 0);
    } else {
      this.#values[this.#values.length - 1] = value;
      if (variables.length > 1) this.#values[this.#values.length - 2] = key;
    }
  }

  #pipe(pipe: Pipe, dot: Value): Value {
    let value: Piped = none;
    for (const command of pipe.commands) value = this.#command(command, dot, value);
    const result = value as Value; // a pipe has at least one command
    for (const name of pipe.variables) {
      if (pipe.assigns) this.#assign(name, result, pipe.offset);
      else {
        this.#names.push(name);
        this.#values.push(result);
      }
    }
    return result;
  }

  #command({ words }: Command, dot: Value, piped: Piped): Value {
    const first = words[0]!;
    if (first.kind === "function") return this.#call(first, words, dot, piped);
    if (first.kind === "nil") fail(first.offset, "nil is not a command");
    if (words.length > 1 || piped !== none)
      fail(first.offset, `arguments are given to what is no function: ${describe(first)}`);
    return this.#operand(first, dot);
  }

  #operand(operand: Operand, dot: Value): Value {
    switch (operand.kind) {
      case "constant":
        return operand.value;
      case "dot":
        return dot;
      case "nil":
        return undefined;
      case "field":
        return walk(dot, operand.path, operand.offset);
      case "variable":
        return walk(this.#variable(operand.name, operand.offset), operand.path, operand.offset);
      case "function":
        return this.#call(operand, [operand], dot, none);
      case "chain":
        return walk(this.#operand(operand.of, dot), operand.path, operand.offset);
      case "pipe": {
        if (++this.#depth > this.#limits.depth) this.#tooDeep(operand.offset);
        const value = this.#pipe(operand, dot);
        this.#depth--;
        return value;
      }
    }
  }

  #call(
    { name, offset }: Operand & { kind: "function" },
    words: readonly Operand[],
    dot: Value,
    piped: Piped,
  ): Value {
    this.#spend(0, offset);
    const called = functions.get(name)!; // the parser knows the same functions
    const count = words.length - 1 + (piped === none ? 0 : 1);
    if (count < called.least || count > (called.most ?? count)) {
      const wanted = called.most === undefined ? `at least ${called.least}` : called.least;
      fail(offset, `${name} takes ${wanted} argument${wanted === 1 ? "" : "s"}, not ${count}`);
    }
    const values: Value[] = [];
    for (const [i, word] of words.entries()) {
      if (i === 0) continue;
      const value = this.#operand(word, dot);
      if (shortCircuit.has(name) && isTrue(value) === (name === "or")) return value;
      values.push(value);
    }
    if (piped !== none) values.push(piped);
    if (called.takesText && typeof values[0] !== "string")
      fail(offset, `the first argument of ${name} is a string, not ${typeOf(values[0])}`);
    this.#offset = offset;
    let result: Value;
    try {
      result = called.run(values, this.#spendHere);
    } catch (error) {
      if (error instanceof TemplateFailure || error instanceof RangeError) throw error;
      return fail(offset, `${name}: ${(error as Error).message}`);
    }
    if (typeof result === "string") this.#spend(result.length, offset);
    return result;
  }

  #variable(name: string, offset: number): Value {
    const at = this.#names.lastIndexOf(name);
    return at === -1 ? fail(offset, `undefined variable: ${name}`) : this.#values[at];
  }

  #assign(name: string, value: Value, offset: number): void {
    const at = this.#names.lastIndexOf(name);
    if (at === -1) fail(offset, `undefined variable: ${name}; declare it with :=`);
    this.#values[at] = value;
  }

  #forget(mark: number): void {
    this.#names.length = mark;
    this.#values.length = mark;
  }

  #print(value: Value, offset: number): void {
    const text = value === undefined || value === null ? "<no value>" : formatPlain(value);
    this.#spend(text.length, offset);
    this.#write(text, Buffer.byteLength(text), offset);
  }

  #write(text: string, bytes: number, offset: number): void {
    this.#bytes += bytes;
    if (this.#bytes > this.#limits.outputBytes)
      fail(offset, `the result is larger than ${this.#limits.outputBytes} bytes`);
    this.text += text;
  }

  #spend(characters: number, offset: number): void {
    this.#steps += 1 + (characters >> 6);
    if (this.#steps > this.#limits.steps)
      fail(offset, `the template does too much: more than ${this.#limits.steps} steps`);
  }

  #tooDeep(offset: number): never {
    return fail(
      offset,
      `templates and branches inside each other go deeper than ${this.#limits.depth}: does a template include itself?`,
    );
  }
}
