import { basename, join } from "node:path";
import { build } from "esbuild";

/**
 * Makes one file of a TypeScript program that plain node runs, so that a test can have it in processes.
 *
 * @returns its path: `<directory>/<name>.mjs`
 */
export async function bundle(program: string, directory: string): Promise<string> {
  const outfile = join(directory, `${basename(program, ".ts")}.mjs`);
  await build({
    entryPoints: [program],
    outfile,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "esm",
    logLevel: "error",
    banner: {
      js: 'import { createRequire as requireOf } from "node:module"; const require = requireOf(import.meta.url);',
    },
  });
  return outfile;
}
