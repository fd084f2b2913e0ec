// A verdict: both models on the same unseen items, the lead on an axis, and only the codes that changed.

import { Badge, counted, Facts, grouped, percent, State, When } from "../../parts/show.tsx";
import { Note } from "../../parts/states.tsx";
import { Table } from "../../parts/table.tsx";
import { points } from "../../../../src/platform/figures.ts";
import type { CodeBook } from "../../data/codebook.ts";
import { useCodes } from "../../data/codes.ts";
import { changeText, placeLead, readVerdict, type Change, type Lead, type Verdict } from "./shape.ts";

export function VerdictView({ verdict, scheme }: { verdict: Verdict; scheme: string }) {
  const shape = readVerdict(verdict.verdict);
  const { data } = verdict;
  const version = typeof data["schemeVersion"] === "string" ? data["schemeVersion"] : "";
  const { value: book } = useCodes([scheme]);
  const opponent = shape.opponent.kind === "majority" ? "The most frequent code for all" : "Champion";
  return (
    <div class="stack">
      <div class="row">
        <State of={verdict.decision} /> <When at={verdict.at} />
      </div>
      <p>{verdict.reason}</p>
      {shape.lead !== undefined && <Interval lead={shape.lead} title="Lead of the challenger in macro F1, in points" />}
      <Table
        label="Both models on the same unseen items"
        rows={[["Challenger", shape.challenger, verdict.challenger] as const, [opponent, shape.opponent, verdict.champion ?? ""] as const]}
        idOf={([who]) => who}
        sortName="sort-scores"
        columns={[
          {
            id: "who",
            title: "Model",
            cell: ([who, , id]) => (
              <>
                {who} <code>{id}</code>
              </>
            ),
          },
          { id: "macro", title: "Macro F1", number: true, cell: ([, { macroF1 }]) => figureText(macroF1) },
          { id: "accuracy", title: "Right", number: true, cell: ([, { accuracy }]) => percent(accuracy) },
          { id: "weighted", title: "Weighted F1", number: true, cell: ([, { weightedF1 }]) => figureText(weightedF1) },
        ]}
      />
      <Facts
        of={[
          ["Judged on", shape.items === undefined ? "" : `${counted(shape.items, "unseen item")} of ${counted(shape.codes ?? 0, "code")}`],
          ["By chance", shape.p === undefined ? "" : `p = ${shape.p.toPrecision(2)}; accepted up to ${shape.alpha ?? "–"}`],
          [
            "Only one was right",
            shape.onlyChallenger === undefined
              ? ""
              : `the challenger on ${grouped(shape.onlyChallenger)}, the other on ${grouped(shape.onlyOpponent ?? 0)}`,
          ],
        ]}
      />
      {shape.ground?.lead !== undefined && (
        <>
          <h3>
            On the {shape.ground.items ?? 0} test items kept from before{" "}
            <Badge tone={shape.ground.holds ? "good" : "bad"}>{shape.ground.holds ? "no loss" : "it loses"}</Badge>
          </h3>
          <Interval lead={shape.ground.lead} title="Lead on the kept items, in points of macro F1" />
        </>
      )}
      {shape.jumps.length > 0 && (
        <>
          <h3>What it would change in the newest sales</h3>
          <Table
            label="Codes that would leave what the line has shown"
            rows={shape.jumps}
            idOf={({ version, code, what }) => `${version} ${code} ${what}`}
            sortName="sort-jumps"
            columns={[
              { id: "code", title: "Code", cell: ({ version, code }) => <CodeName book={book} of={{ scheme, version, code }} /> },
              { id: "what", title: "What", cell: ({ what }) => what },
              {
                id: "before",
                title: "So far",
                number: true,
                cell: ({ what, low, high }) => `${amountOf(what, low)} to ${amountOf(what, high)}`,
              },
              { id: "after", title: "With it", number: true, cell: ({ what, after }) => amountOf(what, after), by: ({ after }) => after },
            ]}
          />
        </>
      )}
      <h3>Codes that changed</h3>
      {verdict.champion === undefined ? (
        <p class="dim">It was the line's first model: there was none to change from.</p>
      ) : shape.changes === undefined ? (
        <Note>This verdict is from before changed codes were kept. Compare the model again to see them.</Note>
      ) : (
        <Changes changes={shape.changes} book={book} scheme={scheme} version={version} />
      )}
    </div>
  );
}

const figureText = (value: number | undefined): string => value?.toFixed(4) ?? "–";
const amountOf = (what: string, value: number | undefined): string =>
  value === undefined ? "–" : what === "kg per unit" ? `${value.toFixed(2)} kg` : percent(value);

export function CodeName({
  book,
  of: { scheme, version, code },
}: {
  book: CodeBook | undefined;
  of: { readonly scheme: string; readonly version: string; readonly code: string };
}) {
  if (code === "") return <span class="dim">no code</span>;
  return (
    <span>
      <b>{code}</b> {book?.nameOf(scheme, version, code) ?? ""}
    </span>
  );
}

const tones = { won: "good", lost: "bad", moved: "plain" } as const;
const words = { won: "now right", lost: "now wrong", moved: "wrong either way" } as const;

function Changes({
  changes,
  book,
  scheme,
  version,
}: {
  changes: readonly Change[];
  book: CodeBook | undefined;
  scheme: string;
  version: string;
}) {
  if (changes.length === 0) return <p class="dim">None: both give every item the same code.</p>;
  return (
    <Table
      label="Items to which the two give different codes"
      rows={changes}
      idOf={({ truth, champion, challenger }) => JSON.stringify([truth, champion, challenger])}
      sortName="sort-changes"
      columns={[
        {
          id: "truth",
          title: "Is",
          cell: ({ truth }) => <CodeName book={book} of={{ scheme, version, code: truth }} />,
          by: ({ truth }) => truth,
        },
        {
          id: "champion",
          title: "Champion says",
          cell: ({ champion }) => <CodeName book={book} of={{ scheme, version, code: champion }} />,
        },
        {
          id: "challenger",
          title: "Challenger says",
          cell: ({ challenger }) => <CodeName book={book} of={{ scheme, version, code: challenger }} />,
        },
        {
          id: "result",
          title: "So",
          cell: (change) => <Badge tone={tones[changeText(change)]}>{words[changeText(change)]}</Badge>,
          by: changeText,
        },
        { id: "items", title: "Items", number: true, cell: ({ items }) => grouped(items), by: ({ items }) => items },
      ]}
    />
  );
}

/** A lead with its interval on an axis that holds zero. */
function Interval({ lead, title }: { lead: Lead; title: string }) {
  const [width, inset] = [600, 10];
  const place = placeLead(lead);
  const x = (share: number): number => inset + share * (width - 2 * inset);
  const said = `${points(lead.difference)}, ${lead.confidence === undefined ? "" : `${Math.round(100 * lead.confidence)} % `}interval ${points(lead.low)} to ${points(lead.high)}`;
  const sides = lead.low > 0 ? "the challenger leads" : lead.high < 0 ? "the challenger is behind" : "zero is within it: may be chance";
  return (
    <figure>
      <svg class="lines-interval" viewBox={`0 0 ${width} 74`} role="img" aria-label={`${title}: ${said}; ${sides}`}>
        <line class="axis" x1={inset} x2={width - inset} y1="50" y2="50" />
        <line class="zero" x1={x(place.zero)} x2={x(place.zero)} y1="8" y2="56" />
        <text x={x(place.zero)} y="70" text-anchor="middle">
          0
        </text>
        <line class="range" x1={x(place.low)} x2={x(place.high)} y1="30" y2="30" />
        <line class="range" x1={x(place.low)} x2={x(place.low)} y1="22" y2="38" />
        <line class="range" x1={x(place.high)} x2={x(place.high)} y1="22" y2="38" />
        <circle cx={x(place.at)} cy="30" r="6" />
      </svg>
      <figcaption class="dim">
        {title}: {said}; {sides}.
      </figcaption>
    </figure>
  );
}
