import type { Check } from "../../driver.js";

export const ok = (name: string, found: string): Check => ({ name, status: "ok", found });
