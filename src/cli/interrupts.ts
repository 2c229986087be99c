import { SlipwayError } from "../base/errors.js";

/** Its signal is aborted when the user, or the reader of our output, has had enough. */
export interface Interrupts {
  signal: AbortSignal;
  /** Whether whoever read our standard output has gone away (EPIPE). */
  readerGone(): boolean;
}

export interface InterruptOptions {
  /** Says that the operation is being stopped. */
  announce: (line: string) => void;
  /** Ctrl-C is for the program that runs on our terminal: it gets it too, and its end is ours. */
  leaveCtrlC: boolean;
}

/** The first SIGINT, SIGTERM or SIGHUP asks the operation to stop; the second ends the process at once. */
export function listenForInterrupts({ announce, leaveCtrlC }: InterruptOptions): Interrupts {
  const controller = new AbortController();
  let gone = false;
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(name, () => {
      if (leaveCtrlC && name === "SIGINT") return;
      if (controller.signal.aborted) process.exit(130);
      announce("stopping…");
      controller.abort(
        new SlipwayError("INTERRUPTED", `interrupted by ${name}`, {
          hint: "run the same command again to go on, or slipway delete to clean up",
        }),
      );
    });
  }
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    gone = true;
    controller.abort(new SlipwayError("INTERRUPTED", "the reader of the output has gone"));
  });
  process.stderr.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
  return { signal: controller.signal, readerGone: () => gone };
}
