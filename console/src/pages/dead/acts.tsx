// What a person does with dead letters: have them done again, or let them rest; one or many, with the reason that is kept.

import { toldOf, useAct } from "../../data/act.ts";
import { Confirm } from "../../parts/dialog.tsx";
import { counted } from "../../parts/show.tsx";

export type LetterAct = "redrive" | "drop";

const words = {
  redrive: {
    act: "Redrive",
    many: "are done again",
    why: "Each is done again from the step where it failed. A run that was started for one version of a file reads that version again.",
  },
  drop: { act: "Drop", many: "rest", why: "They are kept with their reason, but wait no more; the runs stay failed." },
} as const;

export interface ActOnLettersProps {
  readonly act: LetterAct;
  readonly ids: readonly string[];
  readonly onDone: () => void;
  readonly onClose: () => void;
}

export function ActOnLetters({ act, ids, onDone, onClose }: ActOnLettersProps) {
  const redrive = useAct("POST /api/dead/redrive", { done: (answer) => toldOf(answer, "letter", words.redrive.many) });
  const drop = useAct("POST /api/dead/drop", { done: (answer) => toldOf(answer, "letter", words.drop.many) });
  const doing = act === "redrive" ? redrive : drop;
  const [only] = ids;
  const bodyOf = (reason: string) => ({ ids: [...ids], ...(reason === "" ? {} : { reason }) });
  const doToAll = async (reason: string): Promise<void> => {
    if ((await doing.run({ body: bodyOf(reason) })) === undefined) return;
    onDone();
    onClose();
  };
  return (
    <Confirm
      title={`${words[act].act} ${counted(ids.length, "dead letter")}`}
      act={words[act].act}
      danger={act === "drop"}
      busy={doing.isRunning}
      reason={act === "drop" ? "must" : "asked"}
      said={(reason) => ({
        method: "POST",
        path: `/api/dead/${act}`,
        body: bodyOf(reason),
        ...(ids.length === 1 && only !== undefined ? { command: ["dead", act, only, ...(reason === "" ? [] : ["--reason", reason])] } : {}),
      })}
      onDo={(reason) => void doToAll(reason)}
      onClose={onClose}
    >
      <p>{words[act].why}</p>
    </Confirm>
  );
}
