/** A systemd unit file as sections with their assignments, in order (systemd.syntax(7)). */
export interface UnitSection {
  name: string;
  entries: { key: string; value: string }[];
}

/** systemd reads at most this much of a line (`LINE_MAX`). */
const maxLineBytes = 2048;

/**
 * Reads a unit file. Text before the first section is ignored, as Ignition's parser does.
 *
 * @returns a message that says what is wrong where it is no unit file.
 */
export function parseUnitFile(text: string): UnitSection[] | string {
  const sections: UnitSection[] = [];
  const lines = text.split("\n");
  for (let at = 0; at < lines.length; at++) {
    const first = at + 1;
    let line = lines[at]!;
    if (Buffer.byteLength(line) >= maxLineBytes) {
      return `line ${first} is longer than systemd reads (${maxLineBytes} bytes)`;
    }
    line = line.trim();
    const section = sections.at(-1);
    if (line === "") continue;
    if (line.startsWith("#") || line.startsWith(";")) {
      while (lines[at]!.trimEnd().endsWith("\\") && at + 1 < lines.length) at++;
    } else if (line.startsWith("[")) {
      const end = line.indexOf("]");
      if (end === -1) return `line ${first}: a section's name has no closing bracket`;
      if (line.slice(end + 1).trim() !== "") return `line ${first}: text after the section's name`;
      sections.push({ name: line.slice(1, end), entries: [] });
    } else if (section) {
      const equals = line.indexOf("=");
      if (equals === -1) return `line ${first}: neither a section nor an assignment`;
      let value = line.slice(equals + 1).trim();
      while (value.endsWith("\\") && at + 1 < lines.length)
        value = `${value.slice(0, -1)} ${lines[++at]!.trim()}`;
      section.entries.push({ key: line.slice(0, equals).trim(), value });
    }
  }
  return sections;
}

/**
 * The words of a list setting, e.g. `WantedBy=` of `[Install]`: assignments add up, an empty one clears what came before
 * (systemd.syntax(7)).
 */
export function unitSettingWords(sections: UnitSection[], section: string, key: string): string[] {
  let words: string[] = [];
  for (const { name, entries } of sections) {
    if (name !== section) continue;
    for (const entry of entries) {
      if (entry.key !== key) continue;
      words = entry.value === "" ? [] : [...words, ...entry.value.split(/\s+/)];
    }
  }
  return words;
}
