// The folder of a run: outputs under their names, pieces of an unfinished run beneath `.work`.
//
//   F1. An output appears whole under its name or not at all: all are staged first and renamed together, `run.json` last.
//   F2. `.work` outlives an interrupted run, so that the next one finds its pieces; it is removed when a run is done.
//   F3. One run at a time: a second one on the same folder is told who is at work.

import { mkdir, readFile, rm, stat } from "node:fs/promises";
import path from "node:path";
import type { Body } from "../../platform/bytes.ts";
import { codeOf, StockroomError } from "../../platform/errors.ts";
import { renameDurably, takePidLock, writeFileAtomically } from "../../platform/files/index.ts";
import type { ChunkStore } from "../workflows/run/contract.ts";
import { pieceMissing } from "../workflows/run/pieces.ts";

export interface RunFolder {
  readonly chunks: ChunkStore;
  /** Stages an output; `name` may hold slashes. */
  write(name: string, content: Body | string | Uint8Array): Promise<void>;
  /** Brings the staged outputs under their names in the order in which they were written, takes away those named as gone, and the pieces. */
  commit(gone?: readonly string[]): Promise<void>;
  /** Lets others at the folder; pieces stay. */
  close(): Promise<void>;
}

/** Opens the folder for one run, making it where it is not there. Throws `conflict` `FOLDER_BUSY` while another run is at work in it, `input` `FOLDER_UNUSABLE`. */
export async function openFolder(folder: string): Promise<RunFolder> {
  const work = path.join(folder, ".work");
  const pieces = path.join(work, "pieces");
  const staged = path.join(work, "staged");
  try {
    await mkdir(pieces, { recursive: true });
  } catch (cause) {
    throw new StockroomError("input", "FOLDER_UNUSABLE", `Expected to make the folder ${folder} but the system refuses. Choose another.`, {
      facts: { folder },
      cause,
    });
  }
  const lock = await takePidLock(path.join(work, "pid"));
  if (lock.kind === "busy") {
    throw new StockroomError(
      "conflict",
      "FOLDER_BUSY",
      `Expected ${folder} to be free but process ${lock.pid} is forecasting into it. Wait for it, or choose another folder.`,
      { facts: { folder, pid: lock.pid } },
    );
  }
  await rm(staged, { recursive: true, force: true });
  const order: string[] = [];
  return {
    chunks: {
      has: (name) =>
        stat(path.join(pieces, name)).then(
          () => true,
          () => false,
        ),
      put: async (name, bytes) => {
        await writeFileAtomically(path.join(pieces, name), bytes);
      },
      get: async (name) => {
        try {
          return await readFile(path.join(pieces, name));
        } catch (thrown) {
          throw codeOf(thrown) === "ENOENT" ? pieceMissing(name, thrown) : thrown;
        }
      },
    },
    write: async (name, content) => {
      const file = path.join(staged, name);
      await mkdir(path.dirname(file), { recursive: true });
      await writeFileAtomically(file, content);
      order.push(name);
    },
    commit: async (gone = []) => {
      for (const name of gone) if (!order.includes(name)) await rm(path.join(folder, name), { force: true, recursive: true });
      for (const name of order) {
        const file = path.join(folder, name);
        await mkdir(path.dirname(file), { recursive: true });
        await renameDurably(path.join(staged, name), file);
      }
      await rm(work, { recursive: true, force: true });
    },
    close: () => lock.release(),
  };
}
