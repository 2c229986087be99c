import { orderCommand } from "./order-command.js";

export const reset = orderCommand(
  "reset",
  "Let a machine begin anew: its next boot installs it again",
  (machine, state) => `${machine} is reset: ${state}`,
);
