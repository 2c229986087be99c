import { compareText } from "./byte-text.js";
import { Byte, typeOf, type Value } from "./values.js";

/** Go's eq: whether the first equals one of the others. */
export function equalsAny(first: Value, others: readonly Value[]): boolean {
  if (others.length === 0) throw new Error("missing argument for comparison");
  return others.some((other) => equals(first, other));
}

function equals(a: Value, b: Value): boolean {
  const [kind, otherKind] = [kindOf(a), kindOf(b)];
  const [aIsNil, bIsNil] = [a === undefined || a === null, b === undefined || b === null];
  if (aIsNil || bIsNil) return aIsNil && bIsNil;
  if (kind !== otherKind && kind !== "none" && otherKind !== "none") {
    if (isWhole(kind) && isWhole(otherKind)) return whole(a) === whole(b);
    throw new Error(incompatible(a, b));
  }
  if (kind !== otherKind) throw new Error(incompatible(a, b));
  if (kind === "none") throw new Error(`a ${typeOf(b)} cannot be compared`);
  return kind === "uint" ? whole(a) === whole(b) : a === b;
}

/** Go's lt. */
export function isLess(a: Value, b: Value): boolean {
  const [kind, otherKind] = [kindOf(a), kindOf(b)];
  if (kind === "none" || otherKind === "none") {
    throw new Error(`a ${typeOf(kind === "none" ? a : b)} cannot be compared`);
  }
  if (isWhole(kind) && isWhole(otherKind)) return whole(a) < whole(b);
  if (kind !== otherKind) throw new Error(incompatible(a, b));
  if (kind === "bool") throw new Error("a bool is neither less nor greater");
  return kind === "string" ? compareText(a as string, b as string) < 0 : (a as number) < (b as number);
}

type Kind = "bool" | "int" | "uint" | "float" | "string" | "none";

function kindOf(value: Value): Kind {
  switch (typeof value) {
    case "boolean":
      return "bool";
    case "bigint":
      return "int";
    case "number":
      return "float";
    case "string":
      return "string";
    default:
      return value instanceof Byte ? "uint" : "none";
  }
}

const isWhole = (kind: Kind): boolean => kind === "int" || kind === "uint";

const whole = (value: Value): bigint => (value instanceof Byte ? BigInt(value.value) : (value as bigint));

function incompatible(a: Value, b: Value): string {
  const types = [typeOf(a), typeOf(b)];
  const hint =
    types.includes("float64") && types.includes("int")
      ? "; numbers of JSON are floats: write the constant with a point, as 5.0"
      : "";
  return `incompatible types for comparison: ${types.join(" and ")}${hint}`;
}
