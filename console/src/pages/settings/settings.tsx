// Settings: every one with its value, where it came from and what it means. Secrets are masked by the server.

import { useAsk } from "../../data/query.ts";
import { useFilters } from "../../data/url.ts";
import { Page } from "../../frame/page.tsx";
import { CopyAs } from "../../parts/button.tsx";
import { CheckField } from "../../parts/fields.tsx";
import { FilterField } from "../../parts/filter-field.tsx";
import { Badge } from "../../parts/show.tsx";
import { Empty, Note, Shown } from "../../parts/states.tsx";
import { Table } from "../../parts/table.tsx";

const origins = { default: "default", file: "file", env: "environment", flag: "flag" } as const;

const valueText = (value: unknown): string => (value === undefined ? "" : typeof value === "string" ? value : JSON.stringify(value));

/** The place of a value within its origin: `stockroom.yaml:3`, the name of a variable. */
function placeText(origin: Readonly<Record<string, unknown>>): string {
  const { kind, ...rest } = origin;
  void kind;
  return Object.values(rest)
    .filter((part) => typeof part === "string" || typeof part === "number")
    .join(":");
}

export function Settings() {
  const filters = useFilters();
  const settings = useAsk("GET /api/settings");
  const words = filters.get("find").toLowerCase();
  const isSet = filters.get("set") === "1";
  return (
    <Page
      title="Settings"
      about="What this process runs with. They are changed in stockroom.yaml or the environment and read at the next start."
      acts={<CopyAs said={{ method: "GET", path: "/api/settings", command: ["config", "print"] }} />}
    >
      <div class="filters">
        <FilterField title="Find" type="search" name="find" />
        <CheckField title="Only what is set" checked={isSet} onChecked={(is) => filters.set({ set: is ? "1" : "" })} />
      </div>
      <Shown of={settings}>
        {({ settings, warnings }) => {
          const rows = settings.filter(
            ({ path, description, environment, origin }) =>
              (!isSet || origin.kind !== "default") && `${path} ${description} ${environment}`.toLowerCase().includes(words),
          );
          return (
            <>
              {warnings.map((warning) => (
                <Note key={warning} kind="warn">
                  {warning}
                </Note>
              ))}
              {rows.length === 0 ? (
                <Empty>No setting is like that.</Empty>
              ) : (
                <Table
                  label="Settings"
                  rows={rows}
                  idOf={({ path }) => path}
                  columns={[
                    {
                      id: "path",
                      title: "Setting",
                      by: ({ path }) => path,
                      cell: ({ path, environment }) => (
                        <>
                          <code>{path}</code>
                          <div class="dim mono">{breaking(environment)}</div>
                        </>
                      ),
                    },
                    { id: "value", title: "Value", cell: ({ value }) => <code>{valueText(value)}</code> },
                    {
                      id: "origin",
                      title: "From",
                      by: ({ origin }) => origin.kind,
                      cell: ({ origin }) => (
                        <>
                          <Badge tone={origin.kind === "default" ? "plain" : "ink"}>{origins[origin.kind]}</Badge>{" "}
                          <span class="dim">{breaking(placeText(origin))}</span>
                        </>
                      ),
                    },
                    { id: "about", title: "Meaning", cell: ({ description }) => description },
                  ]}
                />
              )}
            </>
          );
        }}
      </Shown>
    </Page>
  );
}

/** A long name may break after each underscore, and nowhere else. */
const breaking = (name: string) =>
  name.split("_").map((part, at) =>
    at === 0 ? (
      part
    ) : (
      <>
        _<wbr />
        {part}
      </>
    ),
  );
