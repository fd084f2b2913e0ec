// The columns of a file: its first rows, what each is taken for, and the command that says the same.

import type { ComponentChildren } from "preact";
import { Button, copyText } from "../../parts/button.tsx";
import { Note } from "../../parts/states.tsx";
import { Table } from "../../parts/table.tsx";
import type { CatalogueProposal, ColumnUse, ForecastProposal, LookedColumn, ModuleProposal } from "./look.ts";
import {
  blockOf,
  catalogueBlockOf,
  catalogueFlags,
  catalogueTitles,
  catalogueUses,
  commandOf,
  forecastUses,
  isChanged,
  usesOf,
  useTitles,
  withCatalogueUse,
  withUse,
  type Learned,
  type Uses,
} from "./mapping.ts";
import { TextField } from "../../parts/fields.tsx";
import { quoted } from "../../data/copy.ts";

export function Sheet({ columns, rows }: { columns: readonly string[]; rows: readonly (readonly string[])[] }) {
  return (
    <div class="upload-sheet" tabIndex={0} role="region" aria-label="The first rows">
      <table aria-label="The first rows">
        <thead>
          <tr>
            {columns.map((name, at) => (
              <th key={at} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, at) => (
            <tr key={at}>
              {columns.map((_, place) => (
                <td key={place}>{row[place] ?? ""}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** What nothing speaks for: said by a person in the columns below, or on the command line. */
export function Questions({ of }: { of: ModuleProposal["questions"] }) {
  if (of.length === 0) return null;
  return (
    <Note kind="warn">
      <b>{of.length === 1 ? "One thing is not clear" : `${of.length} things are not clear`}</b>
      {of.map(({ text, answers }) => (
        <p key={text}>
          {text} {answers.length > 0 && <span class="dim">On the command line: {answers.join(" or ")}</span>}
        </p>
      ))}
    </Note>
  );
}

const examplesOf = (columns: readonly LookedColumn[], name: string): string =>
  (columns.find((column) => column.name === name)?.examples ?? []).slice(0, 3).join(", ");

interface ColumnTableProps {
  readonly proposal: Pick<ModuleProposal, "uses" | "notes">;
  readonly columns: readonly LookedColumn[];
  readonly use: (column: ColumnUse) => ComponentChildren;
  readonly why: (column: ColumnUse) => string;
}

function ColumnTable({ proposal: { uses, notes }, columns, use, why }: ColumnTableProps) {
  return (
    <>
      <Table
        label="Columns"
        rows={uses}
        idOf={({ column }) => column}
        sortName="columns"
        columns={[
          { id: "column", title: "Column", cell: ({ column }) => <b>{column}</b> },
          { id: "examples", title: "Such as", cell: ({ column }) => <span class="dim wrap">{examplesOf(columns, column)}</span> },
          { id: "use", title: "Taken for", cell: use },
          { id: "why", title: "Because", cell: why },
        ]}
      />
      {notes.map((note) => (
        <p key={note}>{note}</p>
      ))}
    </>
  );
}

function Command({ text }: { text: string }) {
  return (
    <div class="stack">
      <div class="row apart">
        <b>The same on a command line</b>
        <Button small onPress={() => void copyText(text, "the command")}>
          Copy
        </Button>
      </div>
      <pre class="upload-command">{text}</pre>
    </div>
  );
}

interface ForecastColumnsProps {
  readonly file: string;
  readonly proposal: ForecastProposal;
  readonly uses: Uses;
  readonly onUses: (uses: Uses) => void;
  readonly columns: readonly LookedColumn[];
}

export const dateStylesOf = (columns: readonly LookedColumn[]): Readonly<Record<string, string | undefined>> =>
  Object.fromEntries(columns.map(({ name, dateStyle }) => [name, dateStyle]));

export function ForecastColumns({ file, proposal, uses, onUses, columns }: ForecastColumnsProps) {
  const block = blockOf(uses, proposal, dateStylesOf(columns));
  return (
    <section class="card">
      <header>
        <h2>What each column is taken for</h2>
        {isChanged(uses, proposal.uses) && (
          <Button small onPress={() => onUses(usesOf(proposal.uses))}>
            As proposed
          </Button>
        )}
      </header>
      {!proposal.isLong && (
        <p class="dim">A column for each date or item: every column becomes rows. Its columns cannot be chosen one by one.</p>
      )}
      <ColumnTable
        proposal={proposal}
        columns={columns}
        use={({ column, use }) =>
          proposal.isLong ? (
            <select
              aria-label={`What ${column} is`}
              value={uses[column]}
              onChange={(event) => onUses(withUse(uses, column, event.currentTarget.value))}
            >
              {[...new Set([use, ...forecastUses])].map((one) => (
                <option key={one} value={one} selected={one === uses[column]}>
                  {useTitles[one] ?? one}
                </option>
              ))}
            </select>
          ) : (
            (useTitles[use] ?? use)
          )
        }
        why={({ column, use, why }) => (uses[column] === use ? why : "as you said")}
      />
      {proposal.isLong && <Command text={commandOf(file, block, proposal.horizon)} />}
    </section>
  );
}

interface CatalogueColumnsProps {
  readonly file: string;
  readonly proposal: CatalogueProposal;
  readonly columns: readonly LookedColumn[];
  readonly learned: Learned;
  /** Absent: the file says by itself what its columns are. */
  readonly onLearned?: (learned: Learned) => void;
}

export function CatalogueColumns({ file, proposal, columns, learned, onLearned }: CatalogueColumnsProps) {
  const { uses, scheme } = learned;
  const isOther = isChanged(uses, proposal.uses);
  const flags = isOther ? catalogueFlags(catalogueBlockOf(uses, proposal, "")) : proposal.flags;
  return (
    <section class="card">
      <header>
        <h2>What each column is taken for</h2>
        {isOther && (
          <Button small onPress={() => onLearned?.({ ...learned, uses: usesOf(proposal.uses) })}>
            As proposed
          </Button>
        )}
      </header>
      {onLearned === undefined ? (
        <p class="dim">Its columns name the rule books of their codes, so the file is read as it stands.</p>
      ) : (
        <div class="filters">
          <TextField
            title="Rule book of the codes"
            value={scheme}
            placeholder="as found"
            hint="Its name, as UK15 in the line GBR-UK15."
            onValue={(scheme) => onLearned({ ...learned, scheme })}
          />
        </div>
      )}
      <ColumnTable
        proposal={proposal}
        columns={columns}
        use={({ column, use }) =>
          onLearned === undefined ? (
            (catalogueTitles[use] ?? use)
          ) : (
            <select
              aria-label={`What ${column} is`}
              value={uses[column]}
              onChange={(event) => onLearned({ ...learned, uses: withCatalogueUse(uses, column, event.currentTarget.value) })}
            >
              {catalogueUses.map((one) => (
                <option key={one} value={one} selected={one === uses[column]}>
                  {catalogueTitles[one]}
                </option>
              ))}
            </select>
          )
        }
        why={({ column, use, why }) => (onLearned === undefined || uses[column] === use ? why : "as you said")}
      />
      <Command text={["stockroom classify fit", quoted(file), ...flags, "--out model"].join(" ")} />
    </section>
  );
}
