import { orderCommand } from "./order-command.js";

export const approve = orderCommand("approve", "Let a machine boot what its group says");
