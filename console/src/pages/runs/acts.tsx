// What a person does to runs: stop them, start them again; one or many, with the reason that is kept.

import { useLocation } from "preact-iso";
import { toldOf, useAct } from "../../data/act.ts";
import { to } from "../../data/url.ts";
import { Confirm } from "../../parts/dialog.tsx";
import { counted, whenText } from "../../parts/show.tsx";

export type RunAct = "cancel" | "retry" | "rerun";
/** Those that are done to many at once. */
export type ManyAct = Exclude<RunAct, "rerun">;

const running: ReadonlySet<string> = new Set(["queued", "running", "retrying"]);
const endedBadly: ReadonlySet<string> = new Set(["failed", "cancelled", "dead"]);

export const canBe = (act: RunAct, { state, repeatable }: { readonly state: string; readonly repeatable: boolean }): boolean =>
  act === "rerun" ? repeatable : (act === "cancel" ? running : endedBadly).has(state);

export const words = {
  cancel: { title: "Cancel", act: "Cancel", told: "stops at its next step", many: "stop at their next step" },
  retry: {
    title: "Start again",
    act: "Start again",
    told: "goes on from the step where it stopped",
    many: "go on from where they stopped",
  },
  rerun: { title: "Do again", act: "Do again", told: "is done again by a new run" },
} as const;

const explained: Readonly<Record<RunAct, string>> = {
  cancel: "It stops at its next step, and so do the runs it started. What is done stays done.",
  retry: "It goes on from the step where it stopped; what was done is not done again.",
  rerun: "A new run does the same with what there is today: today's labelled items, champions, sources. This run stays as it is.",
};

const withReason = (reason: string): { reason?: string } => (reason === "" ? {} : { reason });

/** Asks for the reason and does it to one run. */
export function ActOnRun({ act, id, title, onClose }: { act: RunAct; id: string; title: string; onClose: () => void }) {
  const cancel = useAct("POST /api/runs/:id/cancel", { done: `It ${words.cancel.told}.` });
  const retry = useAct("POST /api/runs/:id/retry", { done: `It ${words.retry.told}.` });
  const rerun = useAct("POST /api/runs/:id/rerun", { done: `It ${words.rerun.told}.` });
  const { route } = useLocation();
  const doing = { cancel, retry, rerun }[act];
  const doIt = async (reason: string): Promise<void> => {
    const answer = await doing.run({ params: { id }, body: withReason(reason) });
    if (answer === undefined) return;
    onClose();
    if (act === "rerun") route(to(`/runs/${encodeURIComponent(answer.id)}`));
  };
  return (
    <Confirm
      title={`${words[act].title}: ${title}`}
      act={words[act].act}
      danger={act === "cancel"}
      busy={doing.isRunning}
      reason="asked"
      said={(reason) => ({
        method: "POST",
        path: `/api/runs/${encodeURIComponent(id)}/${act}`,
        body: withReason(reason),
        command: ["runs", act, id, ...(reason === "" ? [] : ["--reason", reason])],
      })}
      onDo={(reason) => void doIt(reason)}
      onClose={onClose}
    >
      <p>{explained[act]}</p>
    </Confirm>
  );
}

/** Those that were chosen, or all of a state and a workflow. */
export type RunsMeant =
  | { readonly kind: "ids"; readonly ids: string[] }
  | {
      readonly kind: "filter";
      readonly state?: "queued" | "running" | "retrying" | "done" | "failed" | "cancelled" | "dead";
      readonly workflow?: string;
      readonly since?: string;
      readonly until?: string;
    };

/** Asks for the reason and does it to many. */
export function ActOnRuns({ act, meant, onDone, onClose }: { act: ManyAct; meant: RunsMeant; onDone: () => void; onClose: () => void }) {
  const cancel = useAct("POST /api/runs/cancel", { done: (answer) => toldOf(answer, "run", words.cancel.many) });
  const retry = useAct("POST /api/runs/retry", { done: (answer) => toldOf(answer, "run", words.retry.many) });
  const doing = act === "cancel" ? cancel : retry;
  const bodyOf = (reason: string) => {
    const { kind: _, ...which } = meant;
    return { ...which, ...withReason(reason) };
  };
  const who =
    meant.kind === "ids"
      ? counted(meant.ids.length, "run")
      : [
          "every run",
          ...(meant.state === undefined ? [] : [`that is ${meant.state}`]),
          ...(meant.workflow === undefined ? [] : [`of ${meant.workflow}`]),
          ...(meant.since === undefined ? [] : [`that began from ${whenText(meant.since)} on`]),
          ...(meant.until === undefined ? [] : [`before ${whenText(meant.until)}`]),
        ].join(" ");
  const doToAll = async (reason: string): Promise<void> => {
    if ((await doing.run({ body: bodyOf(reason) })) === undefined) return;
    onDone();
    onClose();
  };
  return (
    <Confirm
      title={`${words[act].title} ${who}`}
      act={words[act].act}
      danger={act === "cancel"}
      busy={doing.isRunning}
      reason="must"
      said={(reason) => ({ method: "POST", path: `/api/runs/${act}`, body: bodyOf(reason) })}
      onDo={(reason) => void doToAll(reason)}
      onClose={onClose}
    >
      {meant.kind === "filter" && <p>At most 1,000 at once, the newest first.</p>}
      <p>Those that cannot be {act === "cancel" ? "cancelled" : "started again"} any more are left as they are, and told.</p>
    </Confirm>
  );
}
