// users: the password file: who may sign in by a password, and as what.

import { createInterface } from "node:readline";
import process from "node:process";
import { defineCommand } from "../../platform/command/contract.ts";
import { jsonFlag } from "../../platform/command/flags.ts";
import { StockroomError } from "../../platform/errors.ts";
import { makeUsers, parseName, parseRoles, type User, type Users } from "../../platform/identity/users.ts";
import type { Role } from "../../platform/web/roles.ts";
import { systemClock } from "../../platform/time.ts";
import { formatProblem } from "../../platform/config/index.ts";
import type { AskedServer } from "../server.ts";
import type { Tools } from "../tools.ts";

type ShownUser = Omit<User, "password">;

/** Those of the server that was named, or of the file that the settings name. */
interface AskedUsers {
  list(): Promise<readonly ShownUser[]>;
  add(name: string, roles: readonly Role[], password: string): Promise<ShownUser>;
  change(name: string, to: { readonly password?: string; readonly roles?: readonly Role[] }): Promise<ShownUser>;
  remove(name: string): Promise<{ readonly name: string }>;
}

async function openUsers(tools: Tools): Promise<AskedUsers> {
  const server = await tools.server();
  if (server !== undefined) return usersOf(server);
  const users = await usersHere(tools);
  return { ...users, list: () => Promise.resolve(users.list().map(shown)) };
}

const usersOf = (server: AskedServer): AskedUsers => ({
  list: async () => (await server.call("GET /api/users")).users,
  add: async (name, roles, password) => await server.call("POST /api/users", { body: { name, roles: [...roles], password } }),
  change: async (name, { roles, password }) =>
    await server.call("PUT /api/users/:name", {
      params: { name },
      body: { roles: roles === undefined ? undefined : [...roles], password },
    }),
  remove: async (name) => {
    await server.call("DELETE /api/users/:name", { params: { name } });
    return { name };
  },
});

/** Nothing is opened: a server that runs sees the change at once. */
async function usersHere(tools: Tools): Promise<Users> {
  const checked = await tools.checkConfig();
  if (checked.kind === "good") return makeUsers(checked.config.values.auth.usersFile, systemClock);
  throw new StockroomError(
    "input",
    "CONFIG_INVALID",
    `Expected settings without mistakes but: ${checked.problems.map(formatProblem).join("; ")}.`,
  );
}

const shown = ({ password: _password, ...user }: User): ShownUser => user;

const usersList = (tools: Tools) =>
  defineCommand({
    meta: { name: "list", description: "Who may sign in by a password" },
    args: { json: jsonFlag },
    run: async ({ args }) => {
      const users = await (await openUsers(tools)).list();
      tools.print.table(users, {
        json: args.json,
        empty: "no users",
        columns: {
          name: (user) => user.name,
          roles: (user) => user.roles.join(","),
          added: (user) => ({ at: user.addedAt }),
          "password set": (user) => ({ at: user.changedAt }),
        },
      });
    },
  });

const nameArg = { name: { type: "positional", required: true, description: "The user's name" } } as const;
const rolesText = "viewer, reviewer, planner, operator or administrator; several with commas";

export const usersCommand = (tools: Tools) =>
  defineCommand({
    meta: { name: "users", description: "People who sign in by a password: add, passwd, role, list, remove" },
    args: { json: jsonFlag },
    run: (context) => usersList(tools).run?.(context),
    subCommands: {
      list: usersList(tools),
      add: defineCommand({
        meta: {
          name: "add",
          description: `Let somebody sign in by a password
The password is asked for, or read as the first line of standard input.
Examples:
  stockroom users add anna --role planner
  stockroom users add ops --role operator < password.txt
With the first user everybody has to sign in, on this machine too.`,
        },
        args: { ...nameArg, role: { type: "string", required: true, description: rolesText, valueHint: "role" } },
        run: async ({ args }) => {
          const users = await openUsers(tools);
          const roles = parseRoles(args.role);
          const name = parseName(args.name);
          const added = await users.add(name, roles, await askPassword(tools, `Password for ${name}`));
          tools.print.line(`added: ${added.name} (${added.roles.join(", ")})`);
        },
      }),
      passwd: defineCommand({
        meta: {
          name: "passwd",
          description: `Set somebody's password; their sessions end
It is asked for, or read as the first line of standard input.`,
        },
        args: nameArg,
        run: async ({ args }) => {
          const users = await openUsers(tools);
          const changed = await users.change(args.name, { password: await askPassword(tools, `New password for ${args.name}`) });
          tools.print.line(`set: the password of ${changed.name}; open sessions have ended`);
        },
      }),
      role: defineCommand({
        meta: { name: "role", description: "Set somebody's roles; what is open has them at once" },
        args: { ...nameArg, role: { type: "positional", required: true, description: rolesText } },
        run: async ({ args }) => {
          const changed = await (await openUsers(tools)).change(args.name, { roles: parseRoles(args.role) });
          tools.print.line(`set: ${changed.name} is ${changed.roles.join(", ")}`);
        },
      }),
      remove: defineCommand({
        meta: { name: "remove", description: "Let somebody in no more: their sessions and tokens end" },
        args: nameArg,
        run: async ({ args }) => {
          const removed = await (await openUsers(tools)).remove(args.name);
          tools.print.line(`removed: ${removed.name}`);
        },
      }),
    },
  });

/** A line that is not shown while it is typed; typed twice on a terminal. */
async function askPassword({ signal, print }: Tools, what: string): Promise<string> {
  const { stdin } = process;
  if (!stdin.isTTY) {
    for await (const line of createInterface({ input: stdin })) return line;
    return "";
  }
  const ask = async (text: string): Promise<string> => {
    process.stderr.write(`${text}: `);
    const line = await readHidden(signal);
    process.stderr.write("\n");
    return line;
  };
  const first = await ask(what);
  if (first === (await ask("Again"))) return first;
  print.say("Nothing was changed.");
  throw new StockroomError("input", "PASSWORD_TWICE", "Expected the same password twice but they differ. Try again.");
}

function readHidden(signal: AbortSignal): Promise<string> {
  const { stdin } = process;
  return new Promise((resolve, reject) => {
    let text = "";
    const stop = (): void => {
      stdin.setRawMode(false).pause();
      stdin.off("data", take);
      signal.removeEventListener("abort", leave);
    };
    const leave = (): void => {
      stop();
      reject(signal.reason as Error);
    };
    const take = (chunk: string): void => {
      for (const key of chunk) {
        if (key === "\r" || key === "\n" || key === "\u0004") {
          stop();
          resolve(text);
          return;
        }
        if (key === "\u0003") {
          stop();
          reject(new StockroomError("input", "PASSWORD_LEFT", "Expected a password but the question was left. Nothing was changed."));
          return;
        }
        text = key === "\u007f" || key === "\b" ? Array.from(text).slice(0, -1).join("") : `${text}${key}`;
      }
    };
    stdin.setEncoding("utf8").setRawMode(true).resume().on("data", take);
    signal.addEventListener("abort", leave, { once: true });
  });
}
