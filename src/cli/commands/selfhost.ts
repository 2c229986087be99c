import type { CommandGroup } from "../command.js";
import { pivot, unpivot } from "./selfhost/pivot.js";
import { recover } from "./selfhost/recover.js";
import { render } from "./selfhost/render.js";
import { start } from "./selfhost/start.js";
import { status } from "./selfhost/status.js";
import { upgrade } from "./selfhost/upgrade.js";

export const command: CommandGroup = {
  name: "selfhost",
  summary: "Render and run a control plane that is made of the cluster's own objects",
  description: "For clusters of slipway's own machines: slipway start --bootstrapper selfhosted.",
  commands: [render, start, recover, status, upgrade, unpivot, pivot],
};
