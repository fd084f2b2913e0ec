// An item of classification: all that was decided about it in a month, line by line, with who and what decided. Id and month stand in the URL.

import type { AnswerOf } from "../../data/client.ts";
import { useAsk } from "../../data/query.ts";
import { to, useFilters } from "../../data/url.ts";
import { Page } from "../../frame/page.tsx";
import { CopyAs } from "../../parts/button.tsx";
import { SelectField } from "../../parts/fields.tsx";
import { FilterField } from "../../parts/filter-field.tsx";
import { Facts, percent, State, When } from "../../parts/show.tsx";
import { Empty, Shown } from "../../parts/states.tsx";

type Story = AnswerOf<"GET /api/classify/audit/item">["stories"][number];

export function Items() {
  const filters = useFilters();
  const id = filters.get("id").trim();
  const periods = useAsk("GET /api/classify/periods", undefined, { live: ["events"] });
  const known = (periods.value?.periods ?? []).map(({ period }) => period).toSorted((a, b) => (a < b ? 1 : -1));
  const period = filters.get("period") === "" ? (known[0] ?? "") : filters.get("period");
  return (
    <Page
      title={id === "" ? "Items" : `Item ${id}`}
      about="What was decided about one item, by whom, and why."
      acts={
        id !== "" && period !== "" ? (
          <CopyAs
            said={{
              method: "GET",
              path: `/api/classify/audit/item?${new URLSearchParams({ id, period }).toString()}`,
              command: ["classify", "audit", "item", id, "--period", period],
            }}
          />
        ) : undefined
      }
    >
      <div class="filters">
        <FilterField title="Item" name="id" type="search" placeholder="its id, whole" />
        <SelectField title="Month" value={period} choices={known} onValue={(period) => filters.set({ period })} />
      </div>
      {id === "" ? (
        <Empty>Type an item's id, as its file has it.</Empty>
      ) : period === "" ? (
        <Shown of={periods}>{() => <Empty>Nothing was coded yet.</Empty>}</Shown>
      ) : (
        <Stories id={id} period={period} />
      )}
    </Page>
  );
}

function Stories({ id, period }: { id: string; period: string }) {
  const item = useAsk("GET /api/classify/audit/item", { query: { id, period } });
  return (
    <Shown of={item}>
      {({ stories }) =>
        stories.length === 0 ? (
          <Empty>
            No line coded {id} in {period}.
          </Empty>
        ) : (
          stories.map((story) => <StoryCard key={`${story.line} ${story.scheme_version}`} story={story} />)
        )
      }
    </Shown>
  );
}

function StoryCard({ story }: { story: Story }) {
  const { line, code, scheme_version, probability, decision, evidence, model, coded_at, reviewed_code, reviewer, reviewed_at, answers } =
    story;
  return (
    <section class="card" aria-label={line}>
      <header>
        <h2>
          <a href={to(`/lines/${encodeURIComponent(line)}`)}>{line}</a>: {reviewed_code ?? code}
        </h2>
        <State of={decision} />
      </header>
      <Facts
        of={[
          ["Scheme version", scheme_version],
          ["Coded as", `${code}, at ${percent(Number(probability))}`],
          ["Because of", evidence],
          ["Model", <code class="wrap">{model}</code>],
          ["When", <When at={coded_at} />],
          ["Reviewed as", reviewed_code === undefined ? "" : `${reviewed_code}, by ${reviewer ?? ""}`],
          ["Reviewed", reviewed_at === undefined ? "" : <When at={reviewed_at} />],
        ]}
      />
      {answers.length > 0 && (
        <ul>
          {answers.map((answer) => (
            <li key={answer}>{answer}</li>
          ))}
        </ul>
      )}
    </section>
  );
}
