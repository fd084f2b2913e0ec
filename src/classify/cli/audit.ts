// audit: the append-only log of what was decided, and its proof.

import { defineCommand, type Command } from "../../platform/command/contract.ts";
import { jsonFlag } from "../../platform/command/flags.ts";
import { parsePeriod } from "../engine/lines.ts";
import { adoptRows, findAudit, verifyAuditLog } from "../workflows/audit.ts";
import { checkProof, parseAnchor } from "../workflows/commands.ts";
import { exportAudit, findHead } from "../store/audit.ts";
import type { ClassifyTools } from "./tools.ts";

export const auditCommand = (tools: ClassifyTools): Command =>
  defineCommand({
    meta: { name: "audit", description: "the append-only log of what was decided, and its proof" },
    subCommands: {
      verify: auditVerify(tools),
      head: auditHead(tools),
      adopt: auditAdopt(tools),
      export: auditExport(tools),
      item: auditItem(tools),
    },
  });

const auditVerify = (tools: ClassifyTools): Command =>
  defineCommand({
    meta: {
      name: "verify",
      description: "check the chain, every table's rows against it, and every object it names; tells what was changed, taken out or put in",
    },
    args: {
      anchor: { type: "string", description: "SEQ:HASH from an earlier `audit head`, kept outside" },
      json: jsonFlag,
    },
    run: async ({ args }) => {
      const { anchor } = args;
      const anchors = anchor === undefined ? [] : [parseAnchor(anchor)];
      const proof = await tools.ask(
        async ({ deps }) => await verifyAuditLog(deps, "cli audit verify", tools.signal, anchors),
        async (server) => await server.call("GET /api/classify/audit/verify", { query: { anchor } }),
      );
      if (args.json) tools.print.json(proof);
      else for (const line of proof.lines) tools.print.line(line);
      checkProof(proof);
    },
  });

const auditHead = (tools: ClassifyTools): Command =>
  defineCommand({
    meta: { name: "head", description: "where the log ends, as SEQ:HASH: keep it outside, give it to `verify --anchor` later" },
    run: async () => {
      const head = await tools.ask(
        async ({ deps }) => {
          const found = await findHead(deps.database);
          return found === undefined ? "0:none" : `${found.seq}:${found.hash}`;
        },
        async (server) => (await server.call("GET /api/classify/audit/head")).head,
      );
      tools.print.line(head);
    },
  });

const auditAdopt = (tools: ClassifyTools): Command =>
  defineCommand({
    meta: {
      name: "adopt",
      description:
        "vouch by hand for rows the log does not vouch for, as they stand: after an upgrade or a repair; told by `verify` ever after",
    },
    args: {
      by: { type: "string", description: "who vouches", required: true },
      reason: { type: "string", description: "why", required: true },
    },
    run: async ({ args }) => {
      const { by, reason } = args;
      const count = await tools.ask(
        async ({ deps }) => await adoptRows(deps, by, reason, tools.signal),
        async (server) => (await server.call("POST /api/classify/audit/adopt", { body: { by, reason } })).adopted,
      );
      tools.print.line(count === 0 ? "The log vouches for every row already." : `${count} rows are vouched for by ${args.by}.`);
    },
  });

const auditExport = (tools: ClassifyTools): Command =>
  defineCommand({
    meta: { name: "export", description: "the whole log as JSON lines, with what is needed to verify it elsewhere" },
    run: async () => {
      await tools.ask(
        async ({ deps }) => {
          for await (const record of exportAudit(deps.database)) tools.print.line(JSON.stringify(record));
        },
        async (server) => {
          const { body } = await server.call("GET /api/classify/audit/export");
          for await (const bytes of body ?? []) await tools.print.bytes(bytes);
        },
      );
    },
  });

const auditItem = (tools: ClassifyTools): Command =>
  defineCommand({
    meta: {
      name: "item",
      description: "everything decided about one item: code, model, scheme version, probability, evidence, reviewer",
    },
    args: {
      id: { type: "positional", required: true, description: "the item's id" },
      period: { type: "string", required: true, description: "e.g. 2026-10" },
      json: jsonFlag,
    },
    run: async ({ args }) => {
      const { id } = args;
      const period = parsePeriod(args.period);
      const found = await tools.ask(
        async ({ deps }) => await findAudit(deps, "cli audit item", id, period, tools.signal),
        async (server) => (await server.call("GET /api/classify/audit/item", { query: { id, period } })).stories,
      );
      if (args.json) {
        tools.print.json(found);
        return;
      }
      tools.print.table(
        found.map((one) => ({ ...one, answers: one.answers.join("; ") })),
        { json: false, empty: `No prediction for item ${args.id} in ${args.period}.` },
      );
    },
  });
