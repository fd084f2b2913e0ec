// Processes: those that make pictures, kept a while between two pictures.
//
//   isolated.A2. A process makes one picture at a time. One that made its picture waits for the next for `idleMs` and is then ended.
//   isolated.A4. No process holds this one open: a program that uses the library ends when its own work is done.

import { type ChildProcess, fork } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";

export interface Processes {
  /** An idle process, or a new one; it belongs to the caller until it is given back or ended. */
  take(): ChildProcess;
  giveBack(child: ChildProcess): void;
  end(child: ChildProcess): void;
  readonly isClosed: boolean;
  /** Processes that live now. */
  readonly size: number;
  /** Ends all of them and waits until they are gone. */
  close(): Promise<void>;
}

const idleMs = 20_000;
// From the sources it is a .ts file, from dist a .js file.
const taskModule = fileURLToPath(
  new URL(import.meta.url.endsWith(".ts") ? "./picture-task.ts" : "../../service/isolated/picture-task.js", import.meta.url),
);
const secret = /SECRET|TOKEN|PASSW|KEY|CREDENTIAL|DATABASE_URL|NODE_OPTIONS/i;

/** Opens the pool; the first process starts with the first picture. */
export function openProcesses(): Processes {
  const all = new Set<ChildProcess>();
  const idle = new Map<ChildProcess, NodeJS.Timeout>();
  let closed = false;
  const forget = (child: ChildProcess): void => {
    clearTimeout(idle.get(child));
    idle.delete(child);
  };
  const end = (child: ChildProcess): void => {
    forget(child);
    child.kill("SIGKILL");
  };
  const start = (): ChildProcess => {
    const child = startProcess();
    all.add(child);
    child.once("exit", () => {
      all.delete(child);
      forget(child);
    });
    return child;
  };
  return {
    take() {
      const [child] = idle.keys();
      if (child === undefined) return start();
      forget(child);
      hold(child);
      return child;
    },
    giveBack(child) {
      if (closed || !child.connected) return end(child);
      const timer = setTimeout(() => end(child), idleMs);
      timer.unref();
      idle.set(child, timer);
      child.unref();
      child.channel?.unref();
    },
    end,
    get isClosed() {
      return closed;
    },
    get size() {
      return all.size;
    },
    async close() {
      closed = true;
      const gone = [...all].map((child) => new Promise((resolve) => child.once("exit", resolve)));
      for (const child of all) {
        // An idle one holds nothing open; whoever closes waits for it all the same.
        hold(child);
        end(child);
      }
      await Promise.all(gone);
    },
  };
}

function startProcess(): ChildProcess {
  // What decodes strangers' bytes has no need of our secrets.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !secret.test(name)));
  const child = fork(taskModule, [], { serialization: "advanced", execArgv: [], env, stdio: ["ignore", "ignore", "ignore", "ipc"] });
  // Writing to one that just ended; its exit tells the rest.
  child.on("error", () => undefined);
  return child;
}

function hold(child: ChildProcess): void {
  child.ref();
  child.channel?.ref();
}
