// A second opinion: what models and people have said of the item, read from the log when it is asked for.

import { useState } from "preact/hooks";
import { useAsk } from "../../data/query.ts";
import { Button } from "../../parts/button.tsx";
import { percent, When } from "../../parts/show.tsx";
import { Shown } from "../../parts/states.tsx";
import { Table } from "../../parts/table.tsx";

export function Earlier({ item, period }: { item: string; period: string }) {
  const [isOpen, setOpen] = useState(false);
  // An item without an id is known by its review only.
  if (item.startsWith("review/")) return null;
  return (
    <div class="stack">
      <div class="row">
        <Button small onPress={() => setOpen(!isOpen)}>
          {isOpen ? "Hide what was said of it" : "What was said of it before"}
        </Button>
      </div>
      {isOpen && <Stories item={item} period={period} />}
    </div>
  );
}

function Stories({ item, period }: { item: string; period: string }) {
  const audit = useAsk("GET /api/classify/audit/item", { query: { id: item, period } });
  return (
    <Shown of={audit} lines={2}>
      {({ stories }) =>
        stories.length === 0 ? (
          <p class="dim">Nothing but this question.</p>
        ) : (
          <Table
            label={`What was said of ${item} in ${period}`}
            rows={stories}
            idOf={({ line, model, coded_at }) => `${line} ${model} ${coded_at}`}
            sortName="sort-earlier"
            tight
            columns={[
              { id: "line", title: "Line", cell: ({ line }) => line },
              { id: "code", title: "Model said", cell: ({ code, probability }) => `${code} (${percent(Number(probability))})` },
              { id: "decision", title: "Decided", cell: ({ decision }) => (decision === "auto" ? "by itself" : "to people") },
              { id: "at", title: "Coded", cell: ({ coded_at }) => <When at={coded_at} ago={false} /> },
              { id: "answers", title: "People said", cell: ({ answers }) => (answers.length === 0 ? "nothing yet" : answers.join("; ")) },
            ]}
          />
        )
      }
    </Shown>
  );
}
