// Events and notices: what happened, who was told of it, who waits to be told, and what runs by the clock.

import { useState } from "preact/hooks";
import { useAct } from "../../data/act.ts";
import type { AnswerOf } from "../../data/client.ts";
import { useMe } from "../../data/me.ts";
import { useAsk, usePages } from "../../data/query.ts";
import { to, useFilters } from "../../data/url.ts";
import { Page } from "../../frame/page.tsx";
import { Button, CopyAs } from "../../parts/button.tsx";
import { Confirm } from "../../parts/dialog.tsx";
import { FilterField } from "../../parts/filter-field.tsx";
import { Badge, State, Tabs, When } from "../../parts/show.tsx";
import { Empty, Shown } from "../../parts/states.tsx";
import { More, Table } from "../../parts/table.tsx";
import { Schedules } from "./schedules.tsx";

const tabs = [
  { value: "events", name: "Events" },
  { value: "notices", name: "Notices" },
  { value: "schedules", name: "Schedules" },
  { value: "subscriptions", name: "Subscriptions" },
] as const;

export function Told() {
  const filters = useFilters();
  const tab = tabs.find(({ value }) => value === filters.get("tab"))?.value ?? "events";
  return (
    <Page title="Events and notices" about="What happened, who was told of it, and what runs by the clock.">
      <Tabs
        label="Events and notices"
        here={tab}
        of={tabs.map(({ value, name }) => ({ value, name, href: to("/events", { tab: value === "events" ? "" : value }) }))}
      />
      {tab === "events" && <Events />}
      {tab === "notices" && <Notices />}
      {tab === "schedules" && <Schedules />}
      {tab === "subscriptions" && <Subscriptions />}
    </Page>
  );
}

function Events() {
  const filters = useFilters();
  const [kind, prefix] = [filters.get("kind"), filters.get("prefix")];
  const query = { ...(kind === "" ? {} : { kind }), ...(prefix === "" ? {} : { prefix }) };
  const events = usePages("GET /api/events", { query }, { live: ["events"] });
  const kinds = [...new Set((events.value ?? []).flatMap((page) => page.events.map((event) => event.kind)))].toSorted();
  return (
    <>
      <div class="filters">
        <FilterField title="Kind" name="kind" suggestions={kinds} placeholder="object.stored" />
        <FilterField title="Subject begins with" name="prefix" placeholder="classify/" />
        <CopyAs said={{ method: "GET", path: `/api/events?${new URLSearchParams(query).toString()}`, command: ["events", "list"] }} />
      </div>
      <Shown of={events}>
        {(pages) => {
          const rows = pages.flatMap((page) => page.events);
          if (rows.length === 0) return <Empty>No event is like that.</Empty>;
          return (
            <Table
              label="Events"
              rows={rows}
              idOf={({ id }) => String(id)}
              columns={[
                {
                  id: "kind",
                  title: "What happened",
                  cell: ({ kind }) => <a href={to("/events", { kind, prefix })}>{kind}</a>,
                  by: ({ kind }) => kind,
                },
                {
                  id: "subject",
                  title: "Of what",
                  cell: ({ subject }) => <span class="wrap">{subject}</span>,
                  by: ({ subject }) => subject,
                },
                { id: "by", title: "By", cell: ({ by }) => by ?? "" },
                { id: "at", title: "When", cell: ({ at }) => <When at={at} />, by: ({ at }) => at },
                { id: "data", title: "More", cell: ({ data }) => <FactsOf of={data} /> },
              ]}
            />
          );
        }}
      </Shown>
      <More of={events} />
    </>
  );
}

const FactsOf = ({ of }: { of: Readonly<Record<string, unknown>> }) =>
  Object.keys(of).length === 0 ? null : (
    <details>
      <summary>{Object.keys(of).length} facts</summary>
      <pre>{JSON.stringify(of, undefined, 2)}</pre>
    </details>
  );

type Notice = AnswerOf<"GET /api/notices">["notices"][number];

const severities = { info: "plain", warning: "warn", alarm: "bad" } as const;

function Notices() {
  const filters = useFilters();
  const me = useMe();
  const topic = filters.get("topic");
  const notices = usePages("GET /api/notices", { query: topic === "" ? {} : { topic } }, { live: ["events"] });
  const topics = [...new Set((notices.value ?? []).flatMap((page) => page.notices.map((notice) => notice.topic)))].toSorted();
  return (
    <>
      <div class="filters">
        <FilterField title="Topic" name="topic" suggestions={topics} />
        <CopyAs
          said={{
            method: "GET",
            path: `/api/notices?${new URLSearchParams(topic === "" ? {} : { topic }).toString()}`,
            command: ["notices", "list"],
          }}
        />
      </div>
      <Shown of={notices}>
        {(pages) => {
          const rows = pages.flatMap((page) => page.notices);
          if (rows.length === 0) return <Empty>Nobody was told anything{topic === "" ? " yet" : " on this topic"}.</Empty>;
          return (
            <Table
              label="Notices"
              rows={rows}
              idOf={({ id }) => id}
              columns={[
                {
                  id: "title",
                  title: "Notice",
                  cell: ({ title, body }) => (
                    <details>
                      <summary>{title}</summary>
                      <p class="wrap" style={{ whiteSpace: "pre-line" }}>
                        {body}
                      </p>
                    </details>
                  ),
                },
                {
                  id: "severity",
                  title: "How grave",
                  cell: ({ severity }) => <Badge tone={severities[severity]}>{severity}</Badge>,
                  by: ({ severity }) => severity,
                },
                {
                  id: "topic",
                  title: "Topic",
                  cell: ({ topic }) => <a href={to("/events", { tab: "notices", topic })}>{topic}</a>,
                  by: ({ topic }) => topic,
                },
                { id: "sent", title: "Delivered", cell: (notice) => <Deliveries of={notice} canResend={me.may("operator")} /> },
                { id: "at", title: "When", cell: ({ at }) => <When at={at} />, by: ({ at }) => at },
              ]}
            />
          );
        }}
      </Shown>
      <More of={notices} />
    </>
  );
}

function Deliveries({ of: { id, deliveries }, canResend }: { of: Notice; canResend: boolean }) {
  const resend = useAct("POST /api/notices/:id/resend", { done: "It is sent again by what had failed." });
  if (deliveries.length === 0) return <span class="dim">no channel</span>;
  return (
    <div class="stack" style={{ gap: "0.25rem" }}>
      {deliveries.map(({ channel, state, error }) => (
        <span key={channel} class="row">
          {channel} <State of={state} /> {error !== undefined && <span class="dim wrap">{error}</span>}
        </span>
      ))}
      {canResend && deliveries.some(({ state }) => state === "failed") && (
        <span class="row">
          <Button small busy={resend.isRunning} onPress={() => void resend.run({ params: { id }, body: {} })}>
            Send again
          </Button>
          <CopyAs
            said={{ method: "POST", path: `/api/notices/${encodeURIComponent(id)}/resend`, body: {}, command: ["notices", "resend", id] }}
          />
        </span>
      )}
    </div>
  );
}

function Subscriptions() {
  const me = useMe();
  const subscriptions = useAsk("GET /api/subscriptions", undefined, { live: ["events"] });
  const [name, setName] = useState<string | undefined>(undefined);
  const forget = useAct("DELETE /api/subscriptions/:name", {
    done: ({ events, runs }) => `Given up, with ${events} events and ${runs} runs.`,
  });
  return (
    <Shown of={subscriptions}>
      {({ subscriptions }) => (
        <>
          {subscriptions.length === 0 && <Empty>No process has yet said what it waits for.</Empty>}
          <Table
            label="Subscriptions"
            rows={subscriptions}
            idOf={({ name }) => name}
            columns={[
              { id: "name", title: "Subscription", cell: ({ name }) => <code>{name}</code>, by: ({ name }) => name },
              {
                id: "kind",
                title: "Is told of",
                cell: ({ kind, prefix }) => <a href={to("/events", { kind, prefix })}>{prefix === "" ? kind : `${kind} ${prefix}`}</a>,
              },
              {
                id: "workflow",
                title: "Starts",
                cell: ({ workflow }) => <a href={to("/runs", { workflow })}>{workflow}</a>,
                by: ({ workflow }) => workflow,
              },
              { id: "waiting", title: "Waiting", number: true, cell: ({ waiting }) => String(waiting), by: ({ waiting }) => waiting },
              {
                id: "served",
                title: "Served",
                cell: ({ name, served }) =>
                  served ? (
                    <Badge tone="good">served</Badge>
                  ) : (
                    <span class="row">
                      <Badge tone="warn">by no process</Badge>
                      {me.may("operator") && (
                        <Button small look="danger" onPress={() => setName(name)}>
                          Give up
                        </Button>
                      )}
                    </span>
                  ),
              },
            ]}
          />
          {name !== undefined && (
            <Confirm
              title={`Give up ${name}`}
              act="Give up"
              danger
              busy={forget.isRunning}
              said={() => ({
                method: "DELETE",
                path: `/api/subscriptions/${encodeURIComponent(name)}`,
                command: ["subscriptions", "forget", name],
              })}
              onDo={() => void forget.run({ params: { name } }).then(() => setName(undefined))}
              onClose={() => setName(undefined)}
            >
              <p>The events and runs that wait for it are given up with it. This cannot be undone.</p>
            </Confirm>
          )}
        </>
      )}
    </Shown>
  );
}
