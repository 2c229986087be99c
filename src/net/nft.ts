import { isSlipwayError, SlipwayError } from "../base/errors.js";
import { run } from "../base/run.js";

const withHint = (error: unknown): unknown =>
  isSlipwayError(error, "PROGRAM_NOT_FOUND")
    ? new SlipwayError(error.code, error.message, { hint: "apt-get install nftables", cause: error })
    : error;

/** Applies nftables commands as one transaction: all of them or none. */
export async function nftApply(commands: string, options: { signal?: AbortSignal } = {}): Promise<void> {
  await run("nft", ["-f", "-"], { input: commands, ...options }).catch((error: unknown) => {
    throw withHint(error);
  });
}

/** What `nft -j list <args>` prints; undefined when there is no such thing. */
export async function nftList<T>(
  args: readonly string[],
  options: { signal?: AbortSignal } = {},
): Promise<T[] | undefined> {
  const result = await run("nft", ["-j", "-a", "list", ...args], { allowFailure: true, ...options }).catch(
    (error: unknown) => {
      throw withHint(error);
    },
  );
  if (result.exitCode !== 0) return undefined;
  return (JSON.parse(result.stdout) as { nftables: T[] }).nftables;
}
