import type { KubeObject } from "../kube-object.js";
import { checkpointerObjects } from "./checkpointer.js";
import { proxyObjects } from "./proxy.js";
import type { SelfhostedSettings } from "./settings.js";
import { apiServerObjects, controllerManagerObjects, schedulerObjects } from "./workloads.js";

/** The control plane as objects. */
export const selfhostedObjects = (settings: SelfhostedSettings): KubeObject[] => [
  ...apiServerObjects(settings),
  ...controllerManagerObjects(settings),
  ...schedulerObjects(settings),
  ...proxyObjects(settings),
  ...checkpointerObjects(settings.images.checkpointer),
];
