// Schedules: what runs by the clock, with the last and the next start; paused, resumed, begun now.

import { useState } from "preact/hooks";
import { useAct } from "../../data/act.ts";
import { client, type AnswerOf } from "../../data/client.ts";
import { useMe } from "../../data/me.ts";
import { useAsk } from "../../data/query.ts";
import { to } from "../../data/url.ts";
import { Button, CopyAs } from "../../parts/button.tsx";
import { Confirm } from "../../parts/dialog.tsx";
import { Badge, RunLink, When } from "../../parts/show.tsx";
import { Empty, Note, Shown } from "../../parts/states.tsx";
import { Table } from "../../parts/table.tsx";

type Schedule = AnswerOf<"GET /api/schedules">["schedules"][number];

export function Schedules() {
  const me = useMe();
  const schedules = useAsk("GET /api/schedules", undefined, { live: ["events", "runs"] });
  const [pausing, setPausing] = useState<string | undefined>(undefined);
  const [begun, setBegun] = useState<string | undefined>(undefined);
  return (
    <>
      {begun !== undefined && (
        <Note kind="good">
          <p>
            It runs now, beside its times: <RunLink id={begun} />
          </p>
        </Note>
      )}
      <Shown of={schedules}>
        {({ schedules }) =>
          schedules.length === 0 ? (
            <Empty>Nothing runs by the clock.</Empty>
          ) : (
            <Table
              label="Schedules"
              rows={schedules}
              idOf={({ name }) => name}
              columns={[
                { id: "name", title: "Schedule", cell: ({ name }) => <code>{name}</code>, by: ({ name }) => name },
                { id: "cron", title: "When (UTC)", cell: ({ cron }) => <code>{cron}</code> },
                {
                  id: "workflow",
                  title: "Starts",
                  cell: ({ workflow }) => <a href={to("/runs", { workflow })}>{workflow}</a>,
                  by: ({ workflow }) => workflow,
                },
                { id: "last", title: "Last", cell: ({ lastAt }) => <When at={lastAt} />, by: ({ lastAt }) => lastAt },
                { id: "next", title: "Next", cell: (schedule) => <Next of={schedule} />, by: ({ nextAt }) => nextAt },
                ...(me.may("operator")
                  ? [
                      {
                        id: "acts",
                        title: "Do",
                        cell: (schedule: Schedule) => (
                          <ScheduleActs of={schedule} onPause={() => setPausing(schedule.name)} onBegun={setBegun} />
                        ),
                      },
                    ]
                  : []),
              ]}
            />
          )
        }
      </Shown>
      {pausing !== undefined && <Pause name={pausing} onClose={() => setPausing(undefined)} />}
    </>
  );
}

function Next({ of: { nextAt, paused } }: { of: Schedule }) {
  if (paused === undefined) return nextAt === "never" ? <span class="dim">never</span> : <When at={nextAt} />;
  return (
    <>
      <Badge tone="warn">paused</Badge> by {paused.by} <When at={paused.at} />
      {paused.reason !== undefined && <div class="dim wrap">{paused.reason}</div>}
    </>
  );
}

interface ScheduleActsProps {
  readonly of: Schedule;
  readonly onPause: () => void;
  readonly onBegun: (run: string) => void;
}

function ScheduleActs({ of: { name, paused }, onPause, onBegun }: ScheduleActsProps) {
  const resume = useAct("POST /api/schedules/:name/resume", { done: `${name} goes on with its next time.` });
  const start = useAct("POST /api/schedules/:name/run");
  const path = `/api/schedules/${encodeURIComponent(name)}`;
  return (
    <span class="row">
      {paused === undefined ? (
        <Button small label={`Pause ${name}`} onPress={onPause}>
          Pause
        </Button>
      ) : (
        <Button small label={`Resume ${name}`} busy={resume.isRunning} onPress={() => void resume.run({ params: { name } })}>
          Resume
        </Button>
      )}
      <Button
        small
        label={`Run now: ${name}`}
        busy={start.isRunning}
        onPress={() => void start.run({ params: { name } }).then((answer) => answer !== undefined && onBegun(answer.run))}
      >
        Run now
      </Button>
      <CopyAs said={{ method: "POST", path: `${path}/run`, command: ["schedules", "run", name] }} />
    </span>
  );
}

function Pause({ name, onClose }: { name: string; onClose: () => void }) {
  const pause = useAct("POST /api/schedules/:name/pause", {
    done: `${name} is paused.`,
    undo: async () => await client.call("POST /api/schedules/:name/resume", { params: { name } }),
  });
  const bodyOf = (reason: string): { reason?: string } => (reason === "" ? {} : { reason });
  return (
    <Confirm
      title={`Pause ${name}`}
      act="Pause"
      busy={pause.isRunning}
      reason="asked"
      said={(reason) => ({
        method: "POST",
        path: `/api/schedules/${encodeURIComponent(name)}/pause`,
        body: bodyOf(reason),
        command: ["schedules", "pause", name, ...(reason === "" ? [] : ["--reason", reason])],
      })}
      onDo={(reason) => {
        void pause.run({ params: { name }, body: bodyOf(reason) }).then((answer) => answer !== undefined && onClose());
      }}
      onClose={onClose}
    >
      <p>Nothing of it starts until it is resumed; what would have begun meanwhile is passed over.</p>
    </Confirm>
  );
}
