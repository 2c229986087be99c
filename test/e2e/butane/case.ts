/** A Butane config that both butanes get. */
export interface Case {
  name: string;
  yaml: string;
  /** Why ours refuses what the real one lets pass. */
  stricter?: string;
  /** zlib packs its contents better than Go, so that only ours finds gzip worthwhile: the contents are compared. */
  packedByOursOnly?: true;
  /** Given without a files directory. */
  withoutFiles?: true;
}

/** The first lines of a config. */
export const head = (variant: string): string => {
  const [name, version] = variant.split(" ");
  return `variant: ${name}\nversion: ${version}.0\n`;
};

/** Cases of one variant: name → the rest of the config. */
export const casesOf = (variant: string, bodies: Record<string, string>): Case[] =>
  Object.entries(bodies).map(([name, body]) => ({
    name: `${variant}: ${name}`,
    yaml: head(variant) + body.replace(/^\n/, ""),
  }));
