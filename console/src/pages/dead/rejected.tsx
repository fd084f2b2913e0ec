// The rows that were set apart as unusable, where the module keeps them: of sales by period and country, of a forecast's group as files.

import { useMe } from "../../data/me.ts";
import { usePlace } from "../../data/place.ts";
import { useAsk } from "../../data/query.ts";
import { to } from "../../data/url.ts";
import { bytesText, When } from "../../parts/show.tsx";
import { Shown } from "../../parts/states.tsx";
import { Table } from "../../parts/table.tsx";
import { fileOf, linksIn } from "../runs/lineage.ts";
import { downloadOf } from "../objects/objects.tsx";

export function Rejected({ input, facts }: { input: unknown; facts: Readonly<Record<string, unknown>> }) {
  const { modules } = usePlace();
  const [, period = "", country = ""] = /^classify\/sales\/(\d{4}-\d{2})\/([A-Z]{2,3})\b/.exec(fileOf(input)?.name ?? "") ?? [];
  const named = linksIn(input).find(({ kind }) => kind === "group")?.name ?? facts["group"];
  const stem = /^forecast\/train\/(?:.*\/)?([^/.]+)\./.exec(fileOf(input)?.name ?? "")?.[1];
  const group = typeof named === "string" ? named : stem;
  if (period !== "" && modules.includes("classify")) return <RejectedSales period={period} country={country} />;
  if (group !== undefined && modules.includes("forecast")) return <RejectedFiles group={group} />;
  return null;
}

function RejectedSales({ period, country }: { period: string; country: string }) {
  const rejected = useAsk("GET /api/classify/rejected", { query: { period, country, limit: 20 } }, { live: ["runs"] });
  if (rejected.value !== undefined && rejected.value.rows.length === 0) return null;
  return (
    <section class="stack">
      <h3>Rows that are in no figure</h3>
      <Shown of={rejected}>
        {({ rows, total }) => (
          <>
            <Table
              label="Rows that are in no figure"
              rows={rows}
              idOf={({ file, line, column }) => `${file} ${line} ${column ?? ""}`}
              sortName="rows"
              tight
              columns={[
                { id: "line", title: "Line", number: true, cell: ({ line }) => String(line) },
                { id: "column", title: "Column", cell: ({ column }) => column ?? "" },
                { id: "value", title: "Value", cell: ({ sample }) => <code>{sample}</code> },
                { id: "reason", title: "Why", cell: ({ reason }) => reason },
              ]}
            />
            {total > rows.length && <span class="dim">{total} in all</span>}
          </>
        )}
      </Shown>
    </section>
  );
}

function RejectedFiles({ group }: { group: string }) {
  const me = useMe();
  const prefix = `forecast/rejected/${group}/`;
  const files = useAsk("GET /objects", { query: { prefix, limit: 20 } }, { live: ["events"] });
  if (files.value === undefined || files.value.objects.length === 0) return null;
  return (
    <section class="stack">
      <h3>Rows that were set apart</h3>
      <Table
        label="Rows that were set apart"
        rows={files.value.objects}
        idOf={({ key }) => key}
        sortName="rows"
        columns={[
          { id: "key", title: "List", cell: ({ key }) => <a href={to("/objects", { key })}>{key.slice(prefix.length)}</a> },
          { id: "bytes", title: "Size", number: true, cell: ({ bytes }) => bytesText(bytes) },
          { id: "at", title: "Put", cell: ({ storedAt }) => <When at={storedAt} /> },
          ...(me.may("operator")
            ? [
                {
                  id: "get",
                  title: "Bytes",
                  cell: ({ key }: { key: string }) => (
                    <a href={downloadOf(key)} download={key.slice(key.lastIndexOf("/") + 1)} target="_self">
                      Download
                    </a>
                  ),
                },
              ]
            : []),
        ]}
      />
    </section>
  );
}
