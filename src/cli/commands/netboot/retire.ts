import { orderCommand } from "./order-command.js";

export const retire = orderCommand("retire", "Give a machine nothing more: it boots from its own disk");
