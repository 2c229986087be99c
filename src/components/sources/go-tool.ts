import { isSlipwayError, SlipwayError } from "../../base/errors.js";
import { run } from "../../base/run.js";

/** The installed Go, as `go1.26.8`. @throws {SlipwayError} `PROGRAM_NOT_FOUND` with how to install it. */
export async function goVersion(signal: AbortSignal): Promise<string> {
  try {
    const { stdout } = await run("go", ["env", "GOVERSION"], { signal });
    return stdout.trim();
  } catch (error) {
    if (!isSlipwayError(error, "PROGRAM_NOT_FOUND")) throw error;
    throw new SlipwayError("PROGRAM_NOT_FOUND", "Go is not installed, so nothing can be built from source", {
      hint: "install Go 1.26 or newer from https://go.dev/dl/ and see that `go version` works (also under sudo, when you use it)",
      cause: error,
    });
  }
}

/** What of go's output says why it failed: its own first complaint, not the hundred that follow from it. */
export function goFailure(error: unknown, what: string): unknown {
  if (!isSlipwayError(error, "PROGRAM_FAILED")) return error;
  const output = error.details.output ?? "";
  const lines = output.split("\n").map((line) => line.trim());
  const telling =
    lines.find((line) =>
      /requires go >=|Forbidden|Not Found|Gone|no such host|connection refused|timeout|checksum mismatch|No space left/i.test(
        line,
      ),
    ) ??
    lines.find((line) => /^(go: (?!downloading|finding)|.+\.go:\d+:|.*error)/i.test(line)) ??
    lines.at(-1) ??
    "";
  if (/no space left on device/i.test(output)) {
    return new SlipwayError("DISK_FULL", "there is no space left to build in", {
      hint: "free some space (Go keeps its caches where `go env GOCACHE GOMODCACHE` says) and run the same command again",
      cause: error,
    });
  }
  const hint = /requires go >=/.test(telling) ? "install a newer Go from https://go.dev/dl/" : undefined;
  return new SlipwayError("PROGRAM_FAILED", `${what}: ${telling.slice(0, 400)}`, {
    ...(hint === undefined ? {} : { hint }),
    details: error.details,
    cause: error,
  });
}
