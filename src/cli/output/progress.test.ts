import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { EventBody } from "../../base/events.js";
import { EventLines } from "./event-lines.js";
import { LiveProgress } from "./live-progress.js";
import { PlainProgress } from "./plain-progress.js";
import { styleFor } from "./style.js";

const step = (
  title: string,
  state: "running" | "ok" | "failed" | "skipped",
  more: { durationMs?: number; detail?: string; node?: string } = {},
): EventBody => ({ type: "step", step: title, title, state, index: 1, total: 3, ...more });

const download = (
  done: number,
  state: "running" | "ok" | "failed" = "running",
  detail?: string,
): EventBody => ({
  type: "progress",
  subject: "etcd v3.6.8",
  phase: "download",
  done,
  total: 20 * 1024 * 1024,
  unit: "bytes",
  state,
  ...(detail === undefined ? {} : { detail }),
});

const build = (
  subject: string,
  done: number,
  total?: number,
  state: "waiting" | "running" | "ok" = "running",
  detail?: string,
): EventBody => ({
  type: "progress",
  subject,
  phase: "build",
  done,
  ...(total === undefined ? {} : { total }),
  unit: "packages",
  state,
  ...(detail === undefined ? {} : { detail }),
});

/** A clock that only the test moves; timers follow it. */
const clock = { monotonicMs: () => performance.now() };
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe("in a pipe", () => {
  const open = (verbose = false) => {
    let text = "";
    const progress = new PlainProgress({
      write: (more) => (text += more),
      style: styleFor(false),
      verbose,
      clock,
    });
    return { progress, text: () => text };
  };

  test("each thing that ended is a line", () => {
    const { progress, text } = open();
    progress.sink(step("Certificates", "running"));
    progress.sink(step("Certificates", "ok", { durationMs: 130, detail: "13 issued" }));
    progress.sink(step("Boot", "running", { node: "demo-m02" }));
    progress.sink(step("Boot", "skipped", { node: "demo-m02", detail: "it is running" }));
    progress.sink(step("Ready", "running"));
    progress.sink(step("Ready", "failed", { durationMs: 61_234 }));
    progress.sink({ type: "warning", message: "the clock is 4 s off", hint: "chronyc makestep" });
    progress.close("demo is ready");
    progress.close("said once");
    expect(text()).toBe(
      [
        "✓ Certificates  0.1 s  13 issued",
        "- Boot (demo-m02)  it is running",
        "✗ Ready  61.2 s",
        "! the clock is 4 s off",
        "  try  chronyc makestep",
        "demo is ready",
        "",
      ].join("\n"),
    );
  });

  test("what takes long is told of now and then, with what it waits for", () => {
    const { progress, text } = open();
    progress.sink(step("Control plane", "running"));
    progress.sink({
      type: "condition",
      condition: "the API server is ready",
      state: "waiting",
      lastSeen: "connection\nrefused",
      waitedMs: 10,
    });
    vi.advanceTimersByTime(9999);
    expect(text()).toBe("");
    vi.advanceTimersByTime(10_000);
    expect(text()).toBe("… Control plane  10.0 s  the API server is ready: connection refused\n");
    vi.advanceTimersByTime(20_001);
    expect(text().split("\n")).toHaveLength(3);
    progress.close();
    vi.advanceTimersByTime(60_000);
    expect(text().split("\n")).toHaveLength(3);
  });

  test("of many things at once it tells in one line, twice a minute at most", () => {
    const { progress, text } = open();
    progress.sink(step("Components", "running"));
    for (let i = 0; i < 30; i++) progress.sink(build(`part-${i} v1.0.0`, 0, undefined, "waiting"));
    for (let i = 0; i < 20; i++)
      progress.sink(build(`part-${i} v1.0.0`, 0, undefined, "running", "getting x"));
    progress.sink(build("part-7 v1.0.0", 412, 1300));
    for (let second = 0; second < 300; second++) {
      vi.advanceTimersByTime(1000);
      for (let i = 10; i < 20; i++) progress.sink(build(`part-${i} v1.0.0`, second, 2000));
    }
    const lines = text().trimEnd().split("\n");
    expect(lines).toHaveLength(10);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(130);
    expect(lines[0]).toBe(
      "… Components  10.0 s  0 of 30 done, building part-7 v1.0.0 (412 of 1,300 packages) and 19 more",
    );
    progress.sink(build("part-7 v1.0.0", 1300, 1300, "ok"));
    expect(text()).toContain("  ✓ built part-7 v1.0.0  5 min 0 s  1,300 packages\n");
  });

  test("there is no sign of life while lines come anyway", () => {
    const { progress, text } = open();
    progress.sink(step("Components", "running"));
    progress.sink(build("slow v1", 1, 5000));
    for (let i = 0; i < 12; i++) {
      progress.sink(build(`part-${i} v1`, 1, 3));
      vi.advanceTimersByTime(9000);
      progress.sink(build(`part-${i} v1`, 3, 3, "ok"));
    }
    expect(text()).not.toContain("…");
    vi.advanceTimersByTime(10_000);
    expect(text()).toContain(
      "… Components  1 min 58 s  12 of 13 done, building slow v1 (1 of 5,000 packages)\n",
    );
  });

  test("a download that failed goes on as a build of the same thing", () => {
    const { progress, text } = open();
    progress.sink(build("etcd v3.6.8", 0, undefined, "waiting"));
    progress.sink(download(1024));
    progress.sink(download(1024, "failed"));
    progress.sink(build("etcd v3.6.8", 1, 565));
    progress.sink(build("coredns v1.14.7", 1, 900));
    vi.advanceTimersByTime(10_000);
    expect(text().split("\n")[1]).toBe(
      "… 10.0 s  0 of 2 done, building etcd v3.6.8 (1 of 565 packages), coredns v1.14.7 (1 of 900 packages)",
    );
  });

  test("a quick download leaves no line, a slow or failed one does", () => {
    const { progress, text } = open();
    progress.sink(download(1024));
    progress.sink(download(20 * 1024 * 1024, "ok"));
    expect(text()).toBe("");
    progress.sink(download(1024));
    vi.advanceTimersByTime(1500);
    progress.sink(download(20 * 1024 * 1024, "ok"));
    progress.sink(download(0, "failed", "404"));
    expect(text()).toBe(
      "  ✓ downloaded etcd v3.6.8  1.5 s  20.0 MiB\n  ✗ downloading etcd v3.6.8 failed  404\n",
    );
  });

  test("with -v conditions are lines", () => {
    const { progress, text } = open(true);
    progress.sink({ type: "condition", condition: "node demo is Ready", state: "met", waitedMs: 2100 });
    expect(text()).toBe("  · met: node demo is Ready  2.1 s\n");
  });
});

describe("on a terminal", () => {
  const open = (columns = 60, rows = 24) => {
    const screen = new Screen();
    const progress = new LiveProgress({
      write: (text) => screen.write(text),
      style: styleFor(false),
      verbose: false,
      columns: () => columns,
      rows: () => rows,
      clock,
    });
    return { progress, screen };
  };

  test("what goes on is painted below what ended", () => {
    const { progress, screen } = open();
    progress.sink(step("Certificates", "ok", { durationMs: 130 }));
    progress.sink(step("Components", "running"));
    progress.sink(download(5 * 1024 * 1024));
    vi.advanceTimersByTime(1200);
    expect(screen.lines()).toEqual([
      "✓ Certificates  0.1 s",
      "⠹ Components  1.2 s",
      "    downloading etcd v3.6.8  ██░░░░░░  5.0 MiB of 20.0 MiB",
    ]);
    progress.sink(download(20 * 1024 * 1024, "ok"));
    progress.sink(step("Components", "ok", { durationMs: 1200, detail: "28 in the store" }));
    progress.close("demo is ready");
    expect(screen.lines()).toEqual([
      "✓ Certificates  0.1 s",
      "  ✓ downloaded etcd v3.6.8  1.2 s  20.0 MiB",
      "✓ Components  1.2 s  28 in the store",
      "demo is ready",
    ]);
    expect(screen.cursorHidden).toBe(false);
  });

  test("no line is wider than the terminal, and there are no more lines than it has", () => {
    const { progress, screen } = open(30, 6);
    for (let i = 0; i < 20; i++) {
      progress.sink(step(`Step ${i} with a rather long title`, "running", { detail: "and details" }));
    }
    vi.advanceTimersByTime(200);
    expect(screen.lines()).toHaveLength(4);
    expect(screen.lines().at(-1)).toBe("    … and 17 more");
    for (const line of screen.lines()) expect(line.length).toBeLessThanOrEqual(30);
  });

  test("twenty builds at once fit on a small terminal, each with how far it is", () => {
    const { progress, screen } = open(80, 24);
    progress.sink(step("Components", "running"));
    for (let i = 0; i < 31; i++) progress.sink(build(`part-${i} v1.36.3`, 0, undefined, "waiting"));
    progress.sink(build("kube-controller-manager v1.36.3", 1234, 2468));
    for (let i = 0; i < 19; i++)
      progress.sink(build(`part-${i} v1.36.3`, 0, undefined, "running", "getting x"));
    vi.advanceTimersByTime(100);
    expect(screen.lines()).toHaveLength(22);
    expect(screen.lines().slice(0, 3)).toEqual([
      "⠙ Components  0.1 s  0 of 32 done",
      "    building kube-controller-manager v1.36.3  ████░░░░  1,234 of 2,468 packages",
      "    building part-0 v1.36.3                   getting x  0.1 s",
    ]);
    expect(screen.lines().at(-1)).toBe("    … 12 waiting");
    for (let i = 19; i < 24; i++) progress.sink(build(`part-${i} v1.36.3`, 1, 10));
    vi.advanceTimersByTime(100);
    expect(screen.lines()).toHaveLength(22);
    expect(screen.lines().at(-1)).toBe("    … and 5 more, 7 waiting");
    for (const line of screen.lines()) expect(line.length).toBeLessThanOrEqual(79);
  });

  test("nothing is written when nothing changed", () => {
    const { progress, screen } = open();
    vi.advanceTimersByTime(10_000);
    expect(screen.writes).toBe(0);
    progress.close();
    expect(screen.writes).toBe(0);
  });

  test("other programs' control sequences do not get through", () => {
    const { progress, screen } = open();
    progress.sink({ type: "info", message: "bad \u001b[2Jnews\r\nfrom a node\u0007" });
    expect(screen.lines()).toEqual(["bad news from a node"]);
  });
});

test("as JSON every line is a CloudEvent of its own, the result the last", () => {
  const lines: string[] = [];
  const events = new EventLines(
    "node add",
    (line) => lines.push(line),
    () => new Date(0),
  );
  events.sink(step("Boot", "ok", { durationMs: 5 }));
  events.sink({ type: "info", message: "two\nlines" });
  events.result({ node: "demo-m02" });
  expect(lines.every((line) => line.indexOf("\n") === line.length - 1)).toBe(true);
  const parsed = lines.map((line) => JSON.parse(line));
  expect(new Set(parsed.map(({ id }) => id)).size).toBe(3);
  expect(parsed.map(({ type, source, time }) => [type, source, time])).toEqual(
    ["step", "info", "result"].map((type) => [
      `dev.slipway.${type}`,
      "/slipway/node/add",
      "1970-01-01T00:00:00.000Z",
    ]),
  );
  expect(parsed[2].data).toEqual({ node: "demo-m02" });
});

/** As much of a terminal as the live progress uses: it fails on any other sequence. */
class Screen {
  writes = 0;
  cursorHidden = false;
  #rows: string[] = [""];
  #row = 0;
  #column = 0;

  write(text: string): void {
    this.writes++;
    let rest = text;
    while (rest !== "") {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal's are what is read here
      const [whole, sequence] = /^\u001b\[([?\d]*[A-Za-z])/.exec(rest) ?? [rest[0]!];
      rest = rest.slice(whole.length);
      if (sequence !== undefined) this.#obey(sequence);
      else if (whole === "\n") this.#newLine();
      else if (whole === "\r") this.#column = 0;
      else this.#put(whole);
    }
  }

  lines(): string[] {
    return this.#rows.filter((row, i) => row !== "" || i < this.#rows.length - 1);
  }

  #obey(sequence: string): void {
    if (sequence === "?25l") this.cursorHidden = true;
    else if (sequence === "?25h") this.cursorHidden = false;
    else if (sequence === "K") this.#rows[this.#row] = this.#rows[this.#row]!.slice(0, this.#column);
    else if (sequence === "J")
      this.#rows.splice(this.#row, Number.POSITIVE_INFINITY, this.#rows[this.#row]!.slice(0, this.#column));
    else if (/^\d+A$/.test(sequence)) this.#row -= Number.parseInt(sequence, 10);
    else if (!sequence.startsWith("?2026")) throw new Error(`unknown sequence ${sequence}`);
    if (this.#row < 0) throw new Error("painted above the screen");
  }

  #newLine(): void {
    this.#row++;
    this.#column = 0;
    if (this.#row === this.#rows.length) this.#rows.push("");
  }

  #put(character: string): void {
    const row = this.#rows[this.#row]!;
    this.#rows[this.#row] = row.slice(0, this.#column) + character + row.slice(this.#column + 1);
    this.#column++;
  }
}
