// Stays here: the commands that no server elsewhere can be asked for, and why. docs/reference/http.md says the same of each; a test holds them together.
//
//   H1. Nothing falls back to this machine in silence: with `--server` each of these is refused, and so is what looks at or works on the
//       installation while STOCKROOM_SERVER is set. What reads files alone does not mind the variable.

import type { StaysHere } from "../platform/command/contract.ts";
import { StockroomError } from "../platform/errors.ts";
import type { AnyModule } from "../platform/module.ts";

const files = (why: string): StaysHere => ({ kind: "files", why });
const installation = (why: string): StaysHere => ({ kind: "installation", why });

const forShell = files("it is for the shell it is called in");
const ofSample = installation("a sample is put into a new installation on its own machine");

const own: Readonly<Record<string, StaysHere>> = {
  up: installation("it starts the server"),
  worker: installation("it starts a process on its own machine"),
  open: installation("it looks for the Stockroom that is open on this machine; of another one open URL/console/ in a browser"),
  look: files("it reads a file of this machine and asks no installation; POST /api/look does it for programs"),
  init: files("it writes a settings file where it is called"),
  "completion bash": forShell,
  "completion zsh": forShell,
  "completion fish": forShell,
  "completion words": forShell,
  "demo seed": ofSample,
  "demo reset": ofSample,
  config: installation("it reads the files and the environment of this machine; GET /api/settings tells of a server's"),
  "config print": installation("it reads the files and the environment of this machine; GET /api/settings tells of a server's"),
  "config check": installation("it reads the files and the environment of this machine"),
  "home show": installation("it looks at the home folder of this machine; GET /api/home tells of a server's"),
  "home adopt": installation("it is said of a home in which nothing runs"),
  doctor: installation("it looks at this machine; GET /health tells of a server"),
  publish: installation("it writes from its own machine; a server does it with `stockroom schedules run publish.TARGET`"),
  scrub: installation("it reads the store from its own machine; a server does it with `stockroom schedules run app.scrub`"),
  backup: installation("it writes into a folder of its own machine"),
  restore: installation("it puts a backup into a home that does not run"),
  bench: files("it measures this machine"),
};

/** By the words that call them. */
export const staysHereOf = (all: readonly AnyModule[]): Readonly<Record<string, StaysHere>> => ({
  ...own,
  ...Object.fromEntries(
    all.flatMap(({ name, staysHere = {} }) => Object.entries(staysHere).map(([words, stays]) => [`${name} ${words}`, stays])),
  ),
});

/** Throws `input` `SERVER_NOT_ASKED` for a command that stays here; `byFlag`: the server was named on the command line, not by the variable. */
export function checkAsks(path: readonly string[], byFlag: boolean, all: readonly AnyModule[]): void {
  const words = path.join(" ");
  const stays = staysHereOf(all)[words];
  if (stays === undefined || (stays.kind === "files" && !byFlag)) return;
  throw new StockroomError(
    "input",
    "SERVER_NOT_ASKED",
    `Expected a command that a server can be asked for but ${words} stays on this machine: ${stays.why}. ${
      byFlag ? "Leave --server out." : "Leave the variable out, by env -u STOCKROOM_SERVER before the command."
    }`,
  );
}
