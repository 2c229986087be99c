import type * as z from "zod";
import { isInputError } from "./problems.js";

/** A zod check that says what one of our parsers says. */
export const parsedBy =
  <T>(parse: (value: T) => unknown): z.core.CheckFn<T> =>
  (context) => {
    try {
      parse(context.value);
    } catch (error) {
      if (!isInputError(error)) throw error;
      context.issues.push({ code: "custom", input: context.value, message: error.message });
    }
  };

/** The same for each key and value of a map. */
export const eachParsedBy =
  <T>(parse: (key: string, value: T) => unknown): z.core.CheckFn<Record<string, T>> =>
  (context) => {
    for (const [key, value] of Object.entries(context.value)) {
      try {
        parse(key, value);
      } catch (error) {
        if (!isInputError(error)) throw error;
        context.issues.push({ code: "custom", path: [key], input: value, message: error.message });
      }
    }
  };
