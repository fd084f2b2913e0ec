// What is otherwise in a file that failed than in the one before it under the same key.

import { client } from "../../data/client.ts";
import { useAnswer, useAsk } from "../../data/query.ts";
import { useFilters } from "../../data/url.ts";
import { SelectField } from "../../parts/fields.tsx";
import { bytesText, Facts, whenText } from "../../parts/show.tsx";
import { Shown } from "../../parts/states.tsx";
import { differenceOf, isComparable, mostCompared, readStart, type FileDifference, type LineOfFile } from "./difference.ts";

const names: Readonly<Record<string, string>> = { ",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars" };

export function Difference({ file, version }: { file: string; version: string | undefined }) {
  const filters = useFilters();
  const versions = useAsk("GET /api/object-versions", { query: { key: file } }, { live: ["events"] });
  const all = versions.value?.objects ?? [];
  const failed = all.find((one) => one.version === version) ?? all[0];
  const former = failed === undefined ? [] : all.slice(all.indexOf(failed) + 1);
  const before = former.find((one) => one.version === filters.get("before")) ?? former[0];
  if (versions.value === undefined) return <Shown of={versions}>{() => null}</Shown>;
  return (
    <section class="stack" aria-label="Difference to the last good file">
      <h3>Difference to the file before it</h3>
      {failed === undefined || before === undefined ? (
        <p class="dim">There is no earlier version of this file to compare it with.</p>
      ) : !isComparable(file) ? (
        <p class="dim">
          The file is not text. Before it had {bytesText(before.bytes)}, now it has {bytesText(failed.bytes)}.
        </p>
      ) : (
        <>
          {former.length > 1 && (
            <SelectField
              title="Compared with"
              value={before.version}
              onValue={(before) => filters.set({ before })}
              choices={former.map(({ version, storedAt, bytes }) => ({
                value: version,
                name: `${whenText(storedAt)}, ${bytesText(bytes)}`,
              }))}
            />
          )}
          <Compared file={file} before={before.version} now={failed.version} />
        </>
      )}
    </section>
  );
}

function Compared({ file, before, now }: { file: string; before: string; now: string }) {
  const read = async (version: string, signal: AbortSignal) => {
    const answer = await client.call("GET /objects/*", { params: { "*": file }, query: { version }, signal });
    return answer.body === null ? { text: "", isWhole: true } : await readStart(answer.body, file);
  };
  const compared = useAnswer(
    ["difference", file, before, now],
    async (signal) => {
      const [old, fresh] = await Promise.all([read(before, signal), read(now, signal)]);
      return { difference: differenceOf(old.text, fresh.text), isWhole: old.isWhole && fresh.isWhole };
    },
    { once: true },
  );
  return (
    <Shown of={compared}>
      {({ difference, isWhole }) => (
        <>
          {!isWhole && <p class="dim">Only the first {bytesText(mostCompared)} of each are compared.</p>}
          <Changes of={difference} isTable={hasColumns(file)} />
        </>
      )}
    </Shown>
  );
}

const tableFacts = ({ columns, separator }: Pick<FileDifference, "columns" | "separator">) =>
  [
    ["Columns", columns.gone.length + columns.added.length === 0 ? `the same ${columns.now.length}` : ""],
    ["Columns gone", columns.gone.join(", ")],
    ["Columns new", columns.added.join(", ")],
    [
      "Separator",
      separator.before === separator.now
        ? ""
        : `${names[separator.before] ?? separator.before} before, ${names[separator.now] ?? separator.now} now`,
    ],
  ] as const;

/** Whether the first line names columns. */
const hasColumns = (key: string): boolean => /\.(?:csv|tsv|txt|tab)(?:\.gz)?$/i.test(key);

function Changes({ of: { columns, separator, lines, added, gone }, isTable }: { of: FileDifference; isTable: boolean }) {
  return (
    <>
      <Facts of={[...(isTable ? tableFacts({ columns, separator }) : []), ["Lines", `${lines.before} before, ${lines.now} now`]]} />
      {added.count + gone.count === 0 && <p class="dim">Both have the same lines.</p>}
      <Lines title="Only in the file that failed" of={added} />
      <Lines title="Only in the file before it" of={gone} />
    </>
  );
}

function Lines({ title, of: { count, first } }: { title: string; of: { readonly count: number; readonly first: readonly LineOfFile[] } }) {
  if (count === 0) return null;
  return (
    <details open>
      <summary>
        {title}: {count} {count === 1 ? "line" : "lines"}
        {first.length < count && `, the first ${first.length}`}
      </summary>
      <div class="dead-lines" tabIndex={0} role="region" aria-label={title}>
        <table class="list tight" aria-label={title}>
          <tbody>
            {first.map(({ line, text }) => (
              <tr key={line}>
                <td class="num line dim">{line}</td>
                <td>
                  <code>{text}</code>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
