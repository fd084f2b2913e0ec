// What was logged while a run was worked at: by step and level, new lines as they come. Step and level stand in the URL.

import type { AnswerOf } from "../../data/client.ts";
import { useAsk } from "../../data/query.ts";
import { useFilters } from "../../data/url.ts";
import { CopyAs } from "../../parts/button.tsx";
import { SelectField } from "../../parts/fields.tsx";
import { counted, whenText } from "../../parts/show.tsx";
import { Empty, Shown } from "../../parts/states.tsx";

type Line = AnswerOf<"GET /api/runs/:id/logs">["lines"][number];

const levels = [
  { value: "info", name: "All" },
  { value: "warn", name: "Warnings and errors" },
  { value: "error", name: "Errors" },
] as const;

export const logPlace = "log";

/** Of a run with these steps. */
export function RunLog({ id, steps, isOpen }: { id: string; steps: readonly string[]; isOpen: boolean }) {
  const filters = useFilters();
  const step = filters.get("step");
  const level = levels.find(({ value }) => value === filters.get("level"))?.value ?? "info";
  const query = { level, limit: 2_000, ...(step === "" ? {} : { step }) };
  const log = useAsk("GET /api/runs/:id/logs", { params: { id }, query }, { live: ["runs"] });
  const command = ["runs", "logs", id, ...(step === "" ? [] : ["--step", step]), ...(level === "info" ? [] : ["--level", level])];
  const path = `/api/runs/${encodeURIComponent(id)}/logs?${new URLSearchParams({ level, ...(step === "" ? {} : { step }) }).toString()}`;
  return (
    <section class="card runs-log" id={logPlace}>
      <header>
        <h2>Log</h2>
        <CopyAs said={{ method: "GET", path, command: isOpen ? [...command, "-f"] : command }} />
      </header>
      <div class="row">
        <SelectField
          title="Step"
          value={step}
          choices={[{ value: "", name: "All steps" }, ...new Set([...steps, ...(step === "" ? [] : [step])])]}
          onValue={(step) => filters.set({ step })}
        />
        <SelectField
          title="Level"
          value={level}
          choices={levels}
          onValue={(level) => filters.set({ level: level === "info" ? "" : level })}
        />
      </div>
      <Shown of={log}>
        {({ lines, next }) =>
          lines.length === 0 ? (
            <Empty>{step === "" && level === "info" ? "Nothing was logged." : "No line is like that."}</Empty>
          ) : (
            <>
              <p class="dim">{next === undefined ? counted(lines.length, "line") : `The first ${counted(lines.length, "line")}`}</p>
              {/* It scrolls by itself, so the keyboard must reach it. */}
              <ol tabIndex={0} aria-label="Lines of the log">
                {lines.map((line) => (
                  <Row key={line.id} line={line} hasStep={step === ""} />
                ))}
              </ol>
            </>
          )
        }
      </Shown>
    </section>
  );
}

function Row({ line: { at, level, step, message, facts, executor, tries }, hasStep }: { line: Line; hasStep: boolean }) {
  const told = Object.entries(facts);
  return (
    <li class={level}>
      <time dateTime={at} title={`${executor}, try ${tries}`}>
        {whenText(at, undefined, true)}
      </time>
      <span class="runs-level">{level}</span>
      {hasStep && <code>{step ?? "–"}</code>}
      <span class="runs-told">
        {message}
        {told.map(([name, value]) => (
          <span key={name} class="dim">
            {" "}
            {name}={typeof value === "string" ? value : JSON.stringify(value)}
          </span>
        ))}
      </span>
    </li>
  );
}
