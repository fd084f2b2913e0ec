// Objects: the store by folders; of one object its versions, to be fetched or removed.

import { useState } from "preact/hooks";
import { useAct } from "../../data/act.ts";
import { client, type AnswerOf } from "../../data/client.ts";
import { useMe } from "../../data/me.ts";
import { useAnswer, useAsk } from "../../data/query.ts";
import { to, useFilters } from "../../data/url.ts";
import { Page } from "../../frame/page.tsx";
import { Button, CopyAs } from "../../parts/button.tsx";
import { Confirm } from "../../parts/dialog.tsx";
import { FilterField } from "../../parts/filter-field.tsx";
import { Badge, bytesText, Facts, When } from "../../parts/show.tsx";
import { Empty, Note, Shown } from "../../parts/states.tsx";
import { Table } from "../../parts/table.tsx";
import { above, folderOf, pageSize, readFolder } from "./folder.ts";

type Entry = AnswerOf<"GET /objects">["objects"][number];

/** Where an object's bytes are fetched; slashes stay, as the route has them. */
export const downloadOf = (key: string, version?: string): string =>
  `/objects/${key.split("/").map(encodeURIComponent).join("/")}${version === undefined ? "" : `?${new URLSearchParams({ version }).toString()}`}`;

export function Objects() {
  const filters = useFilters();
  const key = filters.get("key");
  const prefix = key === "" ? filters.get("prefix") : folderOf(key);
  return (
    <Page
      title="Objects"
      about="Every file in the store, sealed, with all its versions."
      acts={
        <>
          <a class="button first" href={to("/upload")}>
            Put a file
          </a>
          <CopyAs
            said={{ method: "GET", path: `/objects?${new URLSearchParams({ prefix }).toString()}`, command: ["ls", prefix] }}
            small={false}
          />
        </>
      }
    >
      <nav class="row" aria-label="Folders above">
        {above(prefix).map((one, at) => (
          <span key={one.prefix} class="row">
            {at > 0 && <span class="dim">/</span>}
            <a href={to("/objects", { prefix: one.prefix })}>{one.name}</a>
          </span>
        ))}
      </nav>
      {key === "" ? <Folder key={prefix} prefix={prefix} /> : <OneObject key={key} name={key} version={filters.get("version")} />}
    </Page>
  );
}

function Folder({ prefix }: { prefix: string }) {
  const filters = useFilters();
  const after = filters.get("after");
  const wanted = filters.get("find");
  const list = async (from: string | undefined, signal: AbortSignal): Promise<readonly Entry[]> =>
    (
      await client.call("GET /objects", {
        query: { prefix: prefix + wanted, limit: pageSize, ...(from === undefined ? {} : { after: from }) },
        signal,
      })
    ).objects;
  const folder = useAnswer(
    ["folder", prefix, wanted, after, { live: ["events"] }],
    async (signal) => await readFolder(async (from) => await list(from, signal), prefix, after === "" ? undefined : after),
    { keep: true },
  );
  return (
    <>
      <div class="filters">
        <FilterField title="Name begins with" type="search" name="find" clears={["after"]} />
      </div>
      <Shown of={folder}>
        {({ folders, objects, next }) =>
          folders.length + objects.length === 0 ? (
            <Empty>{wanted === "" ? "Nothing lies here." : "Nothing here begins like that."}</Empty>
          ) : (
            <>
              {folders.length > 0 && (
                <Table
                  label="Folders"
                  rows={folders}
                  idOf={(name) => name}
                  sortName="folders"
                  columns={[
                    {
                      id: "name",
                      title: "Folder",
                      cell: (name) => <a href={to("/objects", { prefix: prefix + name })}>{name}</a>,
                      by: (name) => name,
                    },
                  ]}
                />
              )}
              {objects.length > 0 && <ObjectTable rows={objects} prefix={prefix} />}
              {next !== undefined && (
                <a class="button" href={to("/objects", { prefix, find: wanted, after: next })}>
                  What comes after these
                </a>
              )}
            </>
          )
        }
      </Shown>
    </>
  );
}

const ObjectTable = ({ rows, prefix }: { rows: readonly Entry[]; prefix: string }) => (
  <Table
    label="Objects"
    rows={rows}
    idOf={({ key }) => key}
    columns={[
      {
        id: "key",
        title: "Object",
        cell: ({ key }) => <a href={to("/objects", { key })}>{key.slice(prefix.length)}</a>,
        by: ({ key }) => key,
      },
      { id: "bytes", title: "Size", number: true, cell: ({ bytes }) => bytesText(bytes), by: ({ bytes }) => bytes },
      { id: "by", title: "Put by", cell: ({ writtenBy }) => writtenBy, by: ({ writtenBy }) => writtenBy },
      { id: "at", title: "Put", cell: ({ storedAt }) => <When at={storedAt} />, by: ({ storedAt }) => storedAt },
    ]}
  />
);

function OneObject({ name, version }: { name: string; version: string }) {
  const me = useMe();
  const versions = useAsk("GET /api/object-versions", { query: { key: name } }, { live: ["events"] });
  const [isRemoving, setRemoving] = useState(false);
  const remove = useAct("DELETE /objects/*", { done: `${name} is hidden; its bytes go at the next sweep.` });
  return (
    <section class="card">
      <header>
        <h2 class="wrap">{name}</h2>
        {me.may("operator") && (
          <div class="row">
            <Button look="danger" small onPress={() => setRemoving(true)}>
              Remove
            </Button>
            <CopyAs said={{ method: "GET", path: downloadOf(name), command: ["get", name] }} />
          </div>
        )}
      </header>
      <Shown of={versions}>
        {({ objects }) => {
          const shown = objects.find((one) => one.version === version) ?? objects[0];
          if (shown === undefined) return <Empty>There is no such object, or it was removed.</Empty>;
          return (
            <>
              {version !== "" && shown.version !== version && (
                <Note kind="warn">There is no version {version} any more. This is the newest:</Note>
              )}
              <ObjectFacts entry={shown} isNewest={shown === objects[0]} />
              <Table
                label={`Versions of ${name}`}
                rows={objects}
                idOf={({ version }) => version}
                columns={[
                  {
                    id: "version",
                    title: "Version",
                    cell: ({ version }) => <a href={to("/objects", { key: name, version })}>{version}</a>,
                  },
                  { id: "bytes", title: "Size", number: true, cell: ({ bytes }) => bytesText(bytes), by: ({ bytes }) => bytes },
                  { id: "at", title: "Put", cell: ({ storedAt }) => <When at={storedAt} />, by: ({ storedAt }) => storedAt },
                  ...(me.may("operator")
                    ? [
                        {
                          id: "get",
                          title: "Bytes",
                          cell: ({ version }: Entry) => (
                            // A download, not a page of the console.
                            <a href={downloadOf(name, version)} download={name.slice(name.lastIndexOf("/") + 1)} target="_self">
                              Download
                            </a>
                          ),
                        },
                      ]
                    : []),
                ]}
              />
            </>
          );
        }}
      </Shown>
      {isRemoving && (
        <Confirm
          title={`Remove ${name}`}
          act="Remove"
          danger
          busy={remove.isRunning}
          said={() => ({ method: "DELETE", path: downloadOf(name), command: ["rm", name] })}
          onDo={() => void remove.run({ params: { "*": name } }).then(() => setRemoving(false))}
          onClose={() => setRemoving(false)}
        >
          <p>
            All its versions are hidden at once, and what was made of it may be made anew without it. This cannot be undone: put the file
            again instead.
          </p>
        </Confirm>
      )}
    </section>
  );
}

function ObjectFacts({ entry, isNewest }: { entry: Entry; isNewest: boolean }) {
  const { version, bytes, sealedBytes, zone, keyVersion, contentType, sha256, writtenBy, storedAt, labels } = entry;
  return (
    <Facts
      of={[
        [
          "Version",
          <>
            {version} {isNewest ? <Badge tone="good">newest</Badge> : <Badge>former</Badge>}
          </>,
        ],
        ["Size", `${bytesText(bytes)}, sealed ${bytesText(sealedBytes)}`],
        ["Zone", `${zone}, key ${keyVersion}`],
        ["Type", contentType],
        ["SHA-256", <code>{sha256}</code>],
        [
          "Put",
          <>
            <When at={storedAt} /> by {writtenBy}
          </>,
        ],
        [
          "Labels",
          Object.entries(labels)
            .map(([name, value]) => `${name}=${value}`)
            .join(", "),
        ],
      ]}
    />
  );
}
