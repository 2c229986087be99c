/*
 * A process of its own that gets one component: driver.js CACHE COMPONENT_JSON.
 * Prints the stored component, or the error, as JSON.
 */
import { systemClock } from "../../../src/base/clock.js";
import { isSlipwayError } from "../../../src/base/errors.js";
import { findProxies } from "../../../src/cli/context.js";
import { fetchFrom } from "../../../src/components/acquire.js";
import type { Component } from "../../../src/components/catalog-entry.js";
import { sourcesFor } from "../../../src/components/sources/order.js";

const [cache = "", json = ""] = process.argv.slice(2);
const context = {
  paths: { cache, config: cache, state: cache },
  clock: systemClock,
  signal: new AbortController().signal,
  ...findProxies(process.env),
  events: (event: object) => process.stderr.write(`${JSON.stringify(event)}\n`),
};
const component = JSON.parse(json) as Component;
const answer = await fetchFrom(sourcesFor({}), [component], context).then(
  (found) => ({ stored: found.get(component.name) }),
  (error: unknown) => ({
    error: isSlipwayError(error)
      ? { code: error.code, hint: error.hint, details: error.details }
      : String(error),
  }),
);
process.stdout.write(JSON.stringify(answer));
