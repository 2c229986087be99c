import { stringify } from "yaml";

// A module of its own, loaded when it is needed: `import("yaml")` itself gives a CommonJS module, whose names a bundle hides.
export const toYaml = (value: unknown): string => stringify(value);
