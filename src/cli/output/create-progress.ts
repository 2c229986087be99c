import type { Capabilities } from "./capabilities.js";
import { LiveProgress } from "./live-progress.js";
import { PlainProgress } from "./plain-progress.js";
import type { Progress } from "./progress.js";
import { styleFor } from "./style.js";

/** Progress for people: painted on a terminal, lines elsewhere. */
export function createProgress(
  stream: NodeJS.WriteStream,
  { color, live }: Capabilities,
  { quiet, verbose }: { quiet: boolean; verbose: boolean },
): Progress {
  const style = styleFor(color);
  const write = (text: string) => stream.write(text);
  if (quiet) return onlyWarnings(new PlainProgress({ write, style, verbose }));
  if (!live) return new PlainProgress({ write, style, verbose });
  return new LiveProgress({
    write,
    style,
    verbose,
    // 0 where a pseudo-terminal has no size
    columns: () => stream.columns || 80,
    rows: () => stream.rows || 24,
  });
}

function onlyWarnings(progress: Progress): Progress {
  return {
    sink: (event) => {
      if (event.type === "warning") progress.sink(event);
    },
    close: () => progress.close(),
  };
}
