/** What a function of a library prints with console.log, as lines; commands print through `Cli`. */
export function capturedConsole(print: () => void): string[] {
  const lines: string[] = [];
  const log = console.log;
  console.log = (line: string) => lines.push(line);
  try {
    print();
  } finally {
    console.log = log;
  }
  return lines;
}
