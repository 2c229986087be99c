/** A systemd service as data; what is the same for all of ours is filled in by `serviceText`. */
export interface Service {
  description: string;
  after?: string[];
  wants?: string[];
  command: string[];
  /** @default "exec" */
  type?: "notify" | "exec" | "oneshot";
  /** Further lines of [Service], e.g. `Delegate=yes`. */
  options?: string[];
  environment?: Record<string, string>;
}

/**
 * For what the whole cluster waits for and what takes little: before anything else of its node that wants the processor. A niceness
 * counts within a control group only, and each service, as each pod, is in one of its own.
 */
export const beforeOthers = ["Slice=-.slice", "CPUWeight=1000"];

/** The text of a unit file. */
export function serviceText({
  description,
  after,
  wants,
  command,
  type = "exec",
  options,
  environment,
}: Service): string {
  const restart = type === "oneshot" ? ["RemainAfterExit=yes"] : ["Restart=always", "RestartSec=250ms"];
  return [
    "[Unit]",
    `Description=${description}`,
    ...(after?.length ? [`After=${after.join(" ")}`] : []),
    ...(wants?.length ? [`Wants=${wants.join(" ")}`] : []),
    "StartLimitIntervalSec=0",
    "",
    "[Service]",
    `Type=${type}`,
    ...Object.entries(environment ?? {}).map(([name, value]) => `Environment=${name}=${value}`),
    `ExecStart=${command.map(quote).join(" ")}`,
    ...restart,
    ...(options ?? []),
    "",
    "[Install]",
    "WantedBy=multi-user.target",
    "",
  ].join("\n");
}

/** systemd.service(5), "Command lines": percent and dollar signs are expanded unless doubled. */
function quote(argument: string): string {
  const escaped = argument.replaceAll("%", "%%").replaceAll("$", "$$$$");
  return /[\s"'\\;]/.test(escaped) ? `"${escaped.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"` : escaped;
}
