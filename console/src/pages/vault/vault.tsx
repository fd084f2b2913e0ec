// Keys: versions of every zone's key, who may read and write what, every use and refusal, and the proof that the audit log is whole.

import { useState } from "preact/hooks";
import { client, type AnswerOf } from "../../data/client.ts";
import { useAct } from "../../data/act.ts";
import { useMe } from "../../data/me.ts";
import { usePlace } from "../../data/place.ts";
import { useAsk, usePages } from "../../data/query.ts";
import { to, useFilters } from "../../data/url.ts";
import { Page } from "../../frame/page.tsx";
import { Button, CopyAs } from "../../parts/button.tsx";
import { Confirm } from "../../parts/dialog.tsx";
import { SelectField, TextField } from "../../parts/fields.tsx";
import { FilterField } from "../../parts/filter-field.tsx";
import { Badge, Facts, Tabs, When } from "../../parts/show.tsx";
import { Empty, Failed, Note, Shown, Waiting } from "../../parts/states.tsx";
import { More, Table } from "../../parts/table.tsx";

const tabs = { keys: "Keys", grants: "Grants", uses: "Uses", audit: "Audit log" } as const;
type Tab = keyof typeof tabs;

export function Vault() {
  const filters = useFilters();
  const { modules } = usePlace();
  const names = (Object.keys(tabs) as Tab[]).filter((tab) => tab !== "audit" || modules.includes("classify"));
  const tab = names.find((name) => name === filters.get("tab")) ?? "keys";
  return (
    <Page
      title="Keys and access"
      about="Every zone of the store has keys of its own; a role reads and writes what a grant lets it, and every use is on record."
    >
      <Tabs label="Parts" here={tab} of={names.map((value) => ({ value, name: tabs[value], href: to("/keys", { tab: value }) }))} />
      {tab === "keys" && <Keys />}
      {tab === "grants" && <Grants />}
      {tab === "uses" && <Uses />}
      {tab === "audit" && <Audit />}
    </Page>
  );
}

function Keys() {
  const keys = useAsk("GET /api/keys", undefined, { live: ["events"] });
  const me = useMe();
  const [zone, setZone] = useState<string | undefined>(undefined);
  const rotate = useAct("POST /api/keys/:zone/rotate", {
    done: ({ zone, version }) => `${zone} seals with key ${version} from now on. Back the key file up.`,
  });
  return (
    <Shown of={keys}>
      {({ keys }) => {
        const zones = [...new Set(keys.map(({ zone }) => zone))];
        return (
          <section class="card">
            <Table
              label="Keys of every zone"
              rows={zones.map((zone) => ({ zone, of: keys.filter((key) => key.zone === zone) }))}
              idOf={({ zone }) => zone}
              columns={[
                { id: "zone", title: "Zone", cell: ({ zone }) => <code>{zone}</code>, by: ({ zone }) => zone },
                { id: "current", title: "Seals with", cell: ({ of }) => `key ${of.find(({ current }) => current)?.version ?? "–"}` },
                { id: "since", title: "Since", cell: ({ of }) => <When at={of.find(({ current }) => current)?.createdAt} /> },
                { id: "versions", title: "Versions", number: true, cell: ({ of }) => String(of.length) },
                {
                  id: "act",
                  title: "",
                  cell: ({ zone }) =>
                    me.may("administrator") && (
                      <Button small onPress={() => setZone(zone)}>
                        New key
                      </Button>
                    ),
                },
              ]}
            />
            {zone !== undefined && (
              <Confirm
                title={`A new key for ${zone}`}
                act="Make a new key"
                busy={rotate.isRunning}
                said={() => ({ method: "POST", path: `/api/keys/${encodeURIComponent(zone)}/rotate`, command: ["keys", "rotate", zone] })}
                onClose={() => setZone(undefined)}
                onDo={() => void rotate.run({ params: { zone } }).then(() => setZone(undefined))}
              >
                <p>
                  What is stored from now on is sealed with it; what was sealed before stays readable with the former one. This cannot be
                  undone. Back the key file up afterwards.
                </p>
              </Confirm>
            )}
          </section>
        );
      }}
    </Shown>
  );
}

type Grant = AnswerOf<"GET /api/grants">["grants"][number];

function Grants() {
  const grants = useAsk("GET /api/grants", undefined, { live: ["events"] });
  const keys = useAsk("GET /api/keys");
  const me = useMe();
  const [asked, setAsked] = useState<(Grant & { readonly isAllowed: boolean }) | undefined>(undefined);
  const allow = useAct("PUT /api/grants/:role/:zone/:access");
  const deny = useAct("DELETE /api/grants/:role/:zone/:access");
  const change = async ({ role, zone, access, isAllowed }: Grant & { readonly isAllowed: boolean }): Promise<void> => {
    const params = { role, zone, access };
    const [now, back, path] = isAllowed ? ([deny, "PUT", "no longer"] as const) : ([allow, "DELETE", "now"] as const);
    await now.run(
      { params },
      {
        done: `${role} may ${path} ${access} ${zone}`,
        undo: async () => await client.call(`${back} /api/grants/:role/:zone/:access`, { params }),
      },
    );
    setAsked(undefined);
  };
  return (
    <Shown of={grants}>
      {({ grants }) => {
        const roles = [...new Set(grants.map(({ role }) => role))].sort((a, b) => a.localeCompare(b));
        const zones = [...new Set([...grants.map(({ zone }) => zone), ...(keys.value?.keys ?? []).map(({ zone }) => zone)])].sort((a, b) =>
          a.localeCompare(b),
        );
        const has = (role: string, zone: string, access: "read" | "write"): boolean =>
          grants.some((grant) => grant.role === role && grant.zone === zone && grant.access === access);
        return (
          <section class="card">
            <p class="dim">Roles of the system's parts, not of people. Each cell: may read, may write.</p>
            <div class="table-box" tabIndex={0} role="region" aria-label="Grants by role and zone">
              <table class="list tight">
                <thead>
                  <tr>
                    <th scope="col">Role</th>
                    {zones.map((zone) => (
                      <th key={zone} scope="col">
                        {zone}
                      </th>
                    ))}
                  </tr>
                </thead>
                <tbody>
                  {roles.map((role) => (
                    <tr key={role}>
                      <th scope="row">{role}</th>
                      {zones.map((zone) => (
                        <td key={zone}>
                          <span class="row">
                            {(["read", "write"] as const).map((access) => {
                              const isAllowed = has(role, zone, access);
                              return (
                                <button
                                  key={access}
                                  type="button"
                                  class={`badge ${isAllowed ? "good" : ""}`}
                                  aria-pressed={isAllowed}
                                  aria-label={`${role} may ${isAllowed ? "" : "not "}${access} ${zone}`}
                                  disabled={!me.may("administrator")}
                                  onClick={() => setAsked({ role, zone, access, isAllowed })}
                                >
                                  {isAllowed ? access : "–"}
                                </button>
                              );
                            })}
                          </span>
                        </td>
                      ))}
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
            {asked !== undefined && (
              <Confirm
                title={`${asked.isAllowed ? "Take away" : "Give"}: ${asked.role} may ${asked.access} ${asked.zone}`}
                act={asked.isAllowed ? "Take it away" : "Give it"}
                danger={asked.isAllowed}
                busy={allow.isRunning || deny.isRunning}
                said={() => ({
                  method: asked.isAllowed ? "DELETE" : "PUT",
                  path: `/api/grants/${encodeURIComponent(asked.role)}/${encodeURIComponent(asked.zone)}/${asked.access}`,
                  command: ["keys", "grants", asked.isAllowed ? "deny" : "allow", asked.role, asked.zone, asked.access],
                })}
                onClose={() => setAsked(undefined)}
                onDo={() => void change(asked)}
              >
                <p>It holds for every process at once. Runs that need what is taken away fail and wait among the dead letters.</p>
              </Confirm>
            )}
          </section>
        );
      }}
    </Shown>
  );
}

function Uses() {
  const filters = useFilters();
  const zone = filters.get("zone");
  const role = filters.get("role");
  const keys = useAsk("GET /api/keys");
  const uses = usePages("GET /api/keys/uses", { query: { ...(zone === "" ? {} : { zone }), ...(role === "" ? {} : { role }) } });
  const zones = [...new Set((keys.value?.keys ?? []).map(({ zone }) => zone))];
  return (
    <>
      <div class="filters">
        <SelectField
          title="Zone"
          value={zone}
          onValue={(zone) => filters.set({ zone })}
          choices={[{ value: "", name: "every zone" }, ...zones]}
        />
        <FilterField title="Role" name="role" />
        <Button onPress={uses.again}>Ask again</Button>
        <CopyAs
          said={{
            method: "GET",
            path: "/api/keys/uses",
            command: ["keys", "uses", ...(zone === "" ? [] : ["--zone", zone]), ...(role === "" ? [] : ["--role", role])],
          }}
        />
      </div>
      <Shown of={uses}>
        {(pages) => {
          const rows = pages.flatMap((page) => page.uses);
          if (rows.length === 0) return <Empty>No use of a key is like that.</Empty>;
          return (
            <Table
              label="Uses of keys, the newest first"
              rows={rows}
              tight
              idOf={({ id }) => String(id)}
              columns={[
                { id: "at", title: "When", cell: ({ at }) => <When at={at} /> },
                { id: "who", title: "Role", cell: ({ role, by }) => (by === undefined ? role : `${role}, for ${by}`) },
                { id: "what", title: "What", cell: ({ access, zone, keyVersion }) => `${access} ${zone}, key ${keyVersion}` },
                {
                  id: "allowed",
                  title: "",
                  cell: ({ allowed }) => (allowed ? <Badge tone="good">allowed</Badge> : <Badge tone="bad">refused</Badge>),
                },
                { id: "key", title: "Object", cell: ({ key }) => <code>{key}</code> },
                { id: "purpose", title: "For", cell: ({ purpose }) => purpose },
              ]}
            />
          );
        }}
      </Shown>
      <More of={uses} />
    </>
  );
}

function Audit() {
  const head = useAsk("GET /api/classify/audit/head", undefined, { live: ["events"] });
  const [anchor, setAnchor] = useState("");
  const [found, setFound] = useState<AnswerOf<"GET /api/classify/audit/verify"> | undefined>(undefined);
  const [error, setError] = useState<unknown>(undefined);
  const [isProving, setProving] = useState(false);
  const prove = async (): Promise<void> => {
    setProving(true);
    setError(undefined);
    setFound(undefined);
    try {
      setFound(await client.call("GET /api/classify/audit/verify", { query: anchor.trim() === "" ? {} : { anchor: anchor.trim() } }));
    } catch (caught) {
      setError(caught);
    } finally {
      setProving(false);
    }
  };
  return (
    <section class="card">
      <Shown of={head} lines={1}>
        {({ head }) => (
          <p>
            The log ends at <code>{head}</code>. Keep this outside; given back later it proves that nothing before it was changed.
          </p>
        )}
      </Shown>
      <form
        class="filters"
        onSubmit={(event) => {
          event.preventDefault();
          void prove();
        }}
      >
        <TextField title="A former end of the log (SEQ:HASH)" value={anchor} onValue={setAnchor} />
        <Button type="submit" look="first" busy={isProving}>
          Prove the log
        </Button>
        <CopyAs
          said={{
            method: "GET",
            path: "/api/classify/audit/verify",
            command: ["classify", "audit", "verify", ...(anchor.trim() === "" ? [] : ["--anchor", anchor.trim()])],
          }}
        />
      </form>
      {isProving && <Waiting what="Proving" />}
      {error !== undefined && <Failed error={error} />}
      {found !== undefined && (
        <Note kind={found.ok ? "good" : "bad"}>
          <p>{found.ok ? "The log is whole, and every row and object it names is as it was." : "Something does not agree with the log."}</p>
          <Facts
            of={[
              ["Rows of the log", String(found.rows)],
              ["Rows of the tables", String(found.tableRows)],
              ["Objects", String(found.objects)],
              ["Problems", found.problems.length === 0 ? "none" : found.problems.join("\n")],
            ]}
          />
        </Note>
      )}
    </section>
  );
}
