import { join } from "node:path";
import { build } from "esbuild";

/** Makes one file that plain node runs from a script beside this one, so that a test can have it in processes. */
export async function bundle(script: string, directory: string): Promise<string> {
  const outfile = join(directory, `${script}.mjs`);
  await build({
    entryPoints: [join(import.meta.dirname, `${script}.ts`)],
    outfile,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "esm",
    logLevel: "silent",
    banner: {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    },
  });
  return outfile;
}
