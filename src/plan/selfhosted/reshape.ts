import type { KubeObject } from "../kube-object.js";

/** What of a workload's container is kept when the cluster's shape changes. */
export interface LiveContainer {
  image: string;
  command: readonly string[];
}

interface Template {
  spec: { containers: [{ command: string[] }, ...object[]] };
}

/**
 * A control-plane workload as another shape of the cluster has it. Its image, and flags that were changed where it runs, stay.
 *
 * @param before as the plan of the shape before has it
 */
export function reshapedWorkload(before: KubeObject, after: KubeObject, live: LiveContainer): KubeObject {
  const command = (object: KubeObject) => templateOf(object).spec.containers[0].command;
  const template = templateOf(after);
  const [container, ...others] = template.spec.containers;
  const containers = [
    {
      ...container,
      image: live.image,
      command: changedCommand(live.command, command(before), command(after)),
    },
    ...others,
  ];
  return {
    ...after,
    spec: { ...(after.spec as object), template: { ...template, spec: { ...template.spec, containers } } },
  };
}

const templateOf = ({ spec }: KubeObject): Template => (spec as { template: Template }).template;

/** A command with what changes from one plan of it to the next. A flag that somebody else has set keeps its value. */
export function changedCommand(
  live: readonly string[],
  before: readonly string[],
  after: readonly string[],
): string[] {
  const kept = live.filter((argument) => !before.includes(argument) || after.includes(argument));
  const names = new Set(kept.map(flagOf));
  return [...kept, ...after.filter((argument) => !before.includes(argument) && !names.has(flagOf(argument)))];
}

const flagOf = (argument: string): string => argument.split("=", 1)[0]!;
