import type { Value } from "./values.js";

/** A parsed template: what `text/template/parse` calls a tree. Offsets are places in the template's text. */
export type TemplateNode =
  | { kind: "text"; text: string; bytes: number; offset: number }
  | { kind: "action"; pipe: Pipe; offset: number }
  | { kind: "if" | "with"; pipe: Pipe; body: TemplateNode[]; otherwise: TemplateNode[]; offset: number }
  | { kind: "range"; pipe: Pipe; body: TemplateNode[]; otherwise: TemplateNode[]; offset: number }
  | { kind: "template"; name: string; pipe: Pipe | undefined; offset: number }
  | { kind: "break" | "continue"; offset: number };

/** `$x := first | second` */
export interface Pipe {
  kind: "pipe";
  /** Variables that take the value: with their `$`. */
  variables: string[];
  /** `=` rather than `:=` */
  assigns: boolean;
  commands: Command[];
  offset: number;
}

/** A function, field or value, and its arguments. */
export interface Command {
  /** At least one. */
  words: Operand[];
  offset: number;
}

export type Operand =
  | { kind: "constant"; value: Value; offset: number }
  | { kind: "nil" | "dot"; offset: number }
  | { kind: "field"; path: string[]; offset: number }
  | { kind: "variable"; name: string; path: string[]; offset: number }
  | { kind: "function"; name: string; offset: number }
  /** `(pipeline).a.b` */
  | { kind: "chain"; of: Operand; path: string[]; offset: number }
  | Pipe;
