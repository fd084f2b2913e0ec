// tokens: API tokens of machines, and everybody's to be looked at and ended.

import { userInfo } from "node:os";
import process from "node:process";
import { defineCommand } from "../../platform/command/contract.ts";
import { jsonFlag, readWhole } from "../../platform/command/flags.ts";
import { instantText } from "../../platform/figures.ts";
import { makeTokens, tokenDays, type Tokens } from "../../platform/identity/tokens.ts";
import { parseRoles } from "../../platform/identity/users.ts";
import type { Caller } from "../../platform/web/caller.ts";
import type { App } from "../../app.ts";
import type { Tools } from "../tools.ts";

/** Whoever has a shell here may read the key file: there is no lesser one. */
function shellCaller(): Caller {
  return { id: "local", name: `shell:${loginName()}`, roles: ["administrator"], via: "local" };
}

function loginName(): string {
  try {
    return userInfo().username;
  } catch {
    // A user without a name, as in a container.
    return String(process.getuid?.() ?? "");
  }
}

const tokensOf = ({ database, clock }: App): Tokens => makeTokens(database, clock);

const stateOf = ({ revokedAt, expiresAt }: { readonly revokedAt?: string | undefined; readonly expiresAt: string }, now: number): string =>
  revokedAt !== undefined ? "revoked" : Date.parse(expiresAt) <= now ? "expired" : "works";

const tokensList = (tools: Tools) =>
  defineCommand({
    meta: { name: "list", description: "Every token, newest first; never the tokens themselves" },
    args: { json: jsonFlag },
    run: async ({ args }) => {
      const { tokens, now } = await tools.ask(
        async (app) => ({ tokens: await tokensOf(app).list(), now: app.clock.now() }),
        async (server) => ({ tokens: (await server.call("GET /api/tokens")).tokens, now: Date.now() }),
      );
      tools.print.table(tokens, {
        json: args.json,
        empty: "no tokens",
        columns: {
          id: (token) => token.id,
          name: (token) => token.name,
          of: (token) => token.owner ?? "a machine",
          roles: (token) => token.roles.join(","),
          state: (token) => stateOf(token, now),
          expires: (token) => ({ at: token.expiresAt }),
          used: (token) => (token.usedAt === undefined ? "never" : { at: token.usedAt }),
          "made by": (token) => token.madeBy,
        },
      });
    },
  });

export const tokensCommand = (tools: Tools) =>
  defineCommand({
    meta: { name: "tokens", description: "API tokens: add, list, revoke" },
    args: { json: jsonFlag },
    run: (context) => tokensList(tools).run?.(context),
    subCommands: {
      list: tokensList(tools),
      add: defineCommand({
        meta: {
          name: "add",
          description: `Make a token for a machine; it is shown this once
Examples:
  stockroom tokens add grafana --role viewer
  stockroom tokens add nightly --role operator --days 30
A person makes tokens of their own over HTTP: POST /api/tokens.`,
        },
        args: {
          name: { type: "positional", required: true, description: "What it is for" },
          role: { type: "string", required: true, description: "viewer, reviewer, planner, operator or administrator", valueHint: "role" },
          days: {
            type: "string",
            description: `How long it works, at most ${tokenDays.most}`,
            valueHint: "n",
            default: String(tokenDays.usual),
          },
          json: jsonFlag,
        },
        run: async ({ args }) => {
          const roles = parseRoles(args.role);
          const days = readWhole("--days", args.days, 1, tokenDays.most);
          const wanted = { name: args.name, roles, days, machine: true };
          const { token, secret } = await tools.ask(
            async (app) => await tokensOf(app).add(wanted, shellCaller()),
            async (server) => await server.call("POST /api/tokens", { body: { ...wanted, roles: [...roles] } }),
          );
          if (args.json) {
            tools.print.json({ ...token, secret });
            return;
          }
          tools.print.line(secret);
          tools.print.say(
            `Token ${token.id} of machine:${token.name} (${token.roles.join(", ")}) works until ${instantText(token.expiresAt)}. It is not shown again.`,
          );
        },
      }),
      revoke: defineCommand({
        meta: { name: "revoke", description: "End a token at once" },
        args: { id: { type: "positional", required: true, description: "Its id, as `tokens list` shows it" } },
        run: async ({ args }) => {
          const token = await tools.ask(
            async (app) => await tokensOf(app).revoke(args.id, shellCaller()),
            async (server) => await server.call("DELETE /api/tokens/:id", { params: { id: args.id } }),
          );
          tools.print.line(`revoked: ${token.id} (${token.name})`);
        },
      }),
    },
  });
