// What a benchmark says beside its figure: on which machine, at what cost, against which rivals, and what it did not measure.
//
// Owns: the description of the machine, CPU seconds and memory of a process with its children, the files under bench/results.
// Does not own: what is measured.
//   M1. CPU seconds are user + system of the whole tree of processes: this one, those it started, and those they started.
//   M2. Memory is the largest sum over that tree of resident memory, looked at every 50 ms; pages shared by two processes count twice.
//   M3. A result names what was not measured; one that names nothing is refused.
//
// CPU and memory of other processes are read from /proc: on other systems than Linux they are this process's own.

import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { arch, cpus, loadavg, release, totalmem, type } from "node:os";
import path from "node:path";
import process from "node:process";
import { StockroomError } from "../src/platform/errors.ts";

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly os: string;
  readonly node: string;
  /** Mean number of running processes over the last minute, when the machine was described: above 0.5 it was not quiet. */
  readonly load: number;
  /** Short id of the commit, with `+` when the tree held changes. */
  readonly commit: string;
  /** Versions of the rivals asked for; "not installed" where there is none. */
  readonly rivals: Readonly<Record<string, string>>;
}

const root = path.resolve(import.meta.dirname, "..");

/** Describes this machine. `rivals` are names of Debian packages. */
export function machine(rivals: readonly string[] = ["fasttext", "python3-sklearn"]): Machine {
  const [first] = cpus();
  const commit = said("git", ["rev-parse", "--short", "HEAD"]);
  const changed = said("git", ["status", "--porcelain", "--untracked-files=no"]) !== "";
  return {
    cpu: first?.model.trim() ?? "unknown",
    cores: cpus().length,
    memoryGiB: Math.round((totalmem() / 2 ** 30) * 10) / 10,
    os: `${distribution() ?? type()}, ${type()} ${release()} ${arch()}`,
    node: process.version,
    load: Math.round(loadavg()[0] * 100) / 100,
    commit: commit === "" ? "unknown" : `${commit}${changed ? "+" : ""}`,
    rivals: Object.fromEntries(rivals.map((name) => [name, said("dpkg-query", ["-W", "-f=${Version}", name]) || "not installed"])),
  };
}

function said(command: string, args: readonly string[]): string {
  const run = spawnSync(command, args, { cwd: root, encoding: "utf8" });
  return run.status === 0 ? run.stdout.trim() : "";
}

function distribution(): string | undefined {
  if (!existsSync("/etc/os-release")) return undefined;
  return /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1];
}

// The kernel counts in hundredths of a second on every Linux that Node runs on (USER_HZ).
const ticksPerSecond = 100;

let pageSize: number | undefined;

/** 4 KiB nearly everywhere; 16 or 64 on some ARM kernels. */
function pageBytes(): number {
  pageSize ??= Number(said("getconf", ["PAGESIZE"])) || 4096;
  return pageSize;
}

interface ProcessFacts {
  readonly pid: number;
  readonly parent: number;
  readonly cpuSeconds: number;
  readonly rssBytes: number;
}

/** Fields of /proc/PID/stat, counted after the name, which may hold spaces and brackets. Undefined when it has gone. */
function readProcess(pid: number): ProcessFacts | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    // utime, stime, and cutime, cstime: of children that have ended and been waited for.
    const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
    return { pid, parent: Number(fields[1]), cpuSeconds: ticks / ticksPerSecond, rssBytes: Number(fields[21]) * pageBytes() };
  } catch {
    return undefined;
  }
}

/** The process and all below it that live now. */
function treeOf(pids: readonly number[]): readonly ProcessFacts[] {
  if (!existsSync("/proc/self/stat")) return [];
  const all = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readProcess(Number(name)))
    .filter((facts) => facts !== undefined);
  const tree = new Set(pids);
  // A child may stand before its parent in the list when numbers have wrapped round: go on until none is added.
  for (let before = -1; before !== tree.size;) {
    before = tree.size;
    for (const facts of all) if (tree.has(facts.parent)) tree.add(facts.pid);
  }
  return all.filter((facts) => tree.has(facts.pid));
}

/**
 * User + system seconds that a process and its children have used so far, to 0.01 s.
 *
 * Children that have ended count when their parent waited for them; a process that has left the tree (a daemon) does not: name its pid too.
 */
export function cpuSeconds(...pids: readonly number[]): number {
  const roots = pids.length === 0 ? [process.pid] : pids;
  const tree = treeOf(roots);
  if (tree.length === 0 && roots.includes(process.pid)) {
    const own = process.cpuUsage();
    return (own.user + own.system) / 1e6;
  }
  return tree.reduce((sum, facts) => sum + facts.cpuSeconds, 0);
}

export interface Cost {
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
  readonly peakMiB: number;
}

export interface Measured<T> extends Cost {
  readonly value: T;
}

export interface MeasureOptions {
  /** Processes outside the tree that work for it, such as a database server that has been left to itself. */
  readonly pids?: () => readonly number[];
}

/**
 * Runs `work` and says what it cost this process, its threads and its children.
 *
 * Only one measurement at a time: two would count each other. The memory of this process counts even when `work` never yields.
 */
export async function measure<T>(work: () => Promise<T> | T, options: MeasureOptions = {}): Promise<Measured<T>> {
  const pids = (): readonly number[] => [process.pid, ...(options.pids?.() ?? [])];
  forgetPeak();
  const watch = watchMemory(pids);
  const cpuBefore = cpuSeconds(...pids());
  const start = process.hrtime.bigint();
  try {
    const value = await work();
    const wallSeconds = Number(process.hrtime.bigint() - start) / 1e9;
    return { value, wallSeconds, cpuSeconds: cpuSeconds(...pids()) - cpuBefore, peakMiB: Math.max(watch.peak(), ownPeak()) / 2 ** 20 };
  } finally {
    watch.stop();
  }
}

export interface CommandRun extends Cost {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
}

/** Runs a command to its end and says what it cost, without this process. */
export async function measureCommand(command: string, args: readonly string[], options: CommandOptions = {}): Promise<CommandRun> {
  const before = readProcess(process.pid)?.cpuSeconds ?? 0;
  const usedBefore = process.cpuUsage();
  const start = process.hrtime.bigint();
  const child = spawn(command, args, { cwd: options.cwd ?? root, env: { ...process.env, ...options.env } });
  const watch = watchMemory(() => (child.pid === undefined ? [] : [child.pid]));
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on("data", (piece: Buffer) => out.push(piece));
  child.stderr.on("data", (piece: Buffer) => err.push(piece));
  child.stdin.on("error", () => undefined);
  child.stdin.end(options.input ?? "");
  try {
    const status = await new Promise<number | null>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", resolve);
    });
    const wallSeconds = Number(process.hrtime.bigint() - start) / 1e9;
    // The child has been waited for, so that its time has become ours; what we used ourselves goes off again.
    const own = process.cpuUsage(usedBefore);
    const used = (readProcess(process.pid)?.cpuSeconds ?? 0) - before - (own.user + own.system) / 1e6;
    return {
      status,
      stdout: Buffer.concat(out).toString(),
      stderr: Buffer.concat(err).toString(),
      wallSeconds,
      cpuSeconds: Math.max(0, used),
      peakMiB: watch.peak() / 2 ** 20,
    };
  } finally {
    watch.stop();
  }
}

function watchMemory(pids: () => readonly number[]): { peak: () => number; stop: () => void } {
  let peak = 0;
  const look = (): void => {
    const sum = treeOf(pids()).reduce((total, facts) => total + facts.rssBytes, 0);
    peak = Math.max(peak, sum);
  };
  look();
  const timer = setInterval(look, 50);
  return {
    peak: () => {
      look();
      return peak;
    },
    stop: () => clearInterval(timer),
  };
}

/** Sets the kernel's own high-water mark back; where that is refused, the mark of the whole life stands. */
function forgetPeak(): void {
  try {
    writeFileSync("/proc/self/clear_refs", "5");
  } catch {
    // Not Linux, or not allowed: `ownPeak` then errs on the high side.
  }
}

function ownPeak(): number {
  try {
    const kiB = /^VmHWM:\s*(\d+)/m.exec(readFileSync("/proc/self/status", "latin1"))?.[1];
    if (kiB !== undefined) return Number(kiB) * 1024;
  } catch {
    // Not Linux.
  }
  return process.resourceUsage().maxRSS * 1024;
}

export type Cell = string | number;

export interface ResultTable {
  readonly caption: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

export interface Result {
  readonly title: string;
  /** One paragraph: what was done, with which data and parameters. */
  readonly about: string;
  /** How to get these figures again. */
  readonly command: string;
  readonly tables: readonly ResultTable[];
  /** What the figures mean, where they fall short and why. */
  readonly notes?: readonly string[];
  /** What a reader might think was measured and was not. At least one. */
  readonly notMeasured: readonly string[];
  /** Anything else for machines; kept in the JSON only. */
  readonly facts?: unknown;
  /** Default: `machine()`, asked now. */
  readonly machine?: Machine;
}

/**
 * Writes `bench/results/NAME.md` for people and `NAME.json` for machines, and gives the Markdown back.
 *
 * Throws `input`: `BENCH_BAD_NAME`, `BENCH_ALL_MEASURED`, `BENCH_BAD_TABLE`.
 */
export function writeResult(name: string, result: Result, folder: string = path.join(root, "bench/results")): string {
  if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name)) {
    throw new StockroomError("input", "BENCH_BAD_NAME", `Expected a name in kebab-case but received "${name}".`);
  }
  if (result.notMeasured.length === 0) {
    throw new StockroomError(
      "input",
      "BENCH_ALL_MEASURED",
      "Expected at least one thing that was not measured but received none. There is always one.",
    );
  }
  for (const table of result.tables) {
    const wrong = table.rows.find((row) => row.length !== table.columns.length);
    if (wrong === undefined) continue;
    const message = `Expected ${table.columns.length} cells in each row of "${table.caption}" but one has ${wrong.length}.`;
    throw new StockroomError("input", "BENCH_BAD_TABLE", message);
  }
  const where = result.machine ?? machine();
  const at = new Date().toISOString().slice(0, 10);
  const text = toMarkdown(result, where, at);
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, `${name}.md`), text);
  writeFileSync(path.join(folder, `${name}.json`), `${JSON.stringify({ name, at, ...result, machine: where }, null, 2)}\n`);
  return text;
}

function toMarkdown(result: Result, where: Machine, at: string): string {
  const rivals = Object.entries(where.rivals).map(([name, version]) => `${name} ${version}`);
  const parts = [
    `# ${result.title}`,
    result.about,
    `Measured on ${at} by\n\n    ${result.command}`,
    ...result.tables.map((table) => `## ${table.caption}\n\n${tableText(table)}`),
    ...(result.notes === undefined || result.notes.length === 0 ? [] : [`## Notes\n\n${bullets(result.notes)}`]),
    `## Not measured\n\n${bullets(result.notMeasured)}`,
    `## Machine\n\n${bullets([
      `${where.cpu}, ${where.cores} cores, ${where.memoryGiB} GiB`,
      `${where.os}, Node ${where.node}, load ${where.load} when described`,
      `commit ${where.commit}`,
      ...(rivals.length === 0 ? [] : [`rivals: ${rivals.join(", ")}`]),
    ])}`,
  ];
  return `${parts.join("\n\n")}\n`;
}

const bullets = (lines: readonly string[]): string => lines.map((line) => `- ${line}`).join("\n");

function tableText(table: ResultTable): string {
  const numeric = table.columns.map((_, i) => table.rows.length > 0 && table.rows.every((row) => typeof row[i] === "number"));
  const rule = line(numeric.map((right) => (right ? "---:" : "---")));
  return [line(table.columns), rule, ...table.rows.map(line)].join("\n");
}

const line = (cells: readonly Cell[]): string => `| ${cells.map(cellText).join(" | ")} |`;

/** Whole numbers in groups of three, others to about four figures. */
function cellText(cell: Cell): string {
  if (typeof cell === "string") return cell.replaceAll("|", "\\|").replaceAll("\n", " ");
  if (Number.isInteger(cell)) return cell.toLocaleString("en-GB");
  return Math.abs(cell) >= 100 ? cell.toFixed(1) : Math.abs(cell) >= 10 ? cell.toFixed(2) : cell.toFixed(4);
}
