import type { Check, PreflightRequest } from "../../driver.js";
import type { Sandbox } from "../context.js";
import { gatherFacts } from "./facts.js";
import { judge } from "./judge.js";

/** Looks at the host. What is tried is tried in namespaces that end with the try. */
export const preflight = async (sandbox: Sandbox, request: PreflightRequest): Promise<Check[]> =>
  judge(await gatherFacts(sandbox, request), request);
