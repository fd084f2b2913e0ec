// What an operator does to a line: another champion, a word on a promotion that waits, whether it decides by itself. Each wants a reason.

import { useState } from "preact/hooks";
import { client } from "../../data/client.ts";
import { useAct } from "../../data/act.ts";
import { useSpeaker } from "../../data/say.ts";
import { Button } from "../../parts/button.tsx";
import { Confirm } from "../../parts/dialog.tsx";

/** The name of the speaker where nobody is signed in; otherwise the server knows it. */
function useBy(): { readonly by: string | undefined } {
  const { name, isSignedIn } = useSpeaker();
  return { by: isSignedIn || name === "" ? undefined : name };
}

interface CrownProps {
  readonly line: string;
  readonly model: string;
  /** The champion it takes the place of. */
  readonly former: string | undefined;
  /** Whether it was champion before. */
  readonly isBack: boolean;
}

/** Makes a model the champion; undone by the former one. */
export function Crown({ line, model, former, isBack }: CrownProps) {
  const [isOpen, setOpen] = useState(false);
  const by = useBy();
  const act = useAct("POST /api/classify/champions");
  const words = isBack ? "Roll back to it" : "Make it champion";
  return (
    <>
      <Button small onPress={() => setOpen(true)} label={`${words}: ${model}`}>
        {words}
      </Button>
      {isOpen && (
        <Confirm
          title={`${isBack ? "Roll back" : "Change the champion of"} ${line}?`}
          act={words}
          reason="must"
          busy={act.isRunning}
          said={(reason) => ({
            method: "POST",
            path: "/api/classify/champions",
            body: { line, model, reason },
            command: ["classify", "champions", "set", line, model, "--reason", reason],
          })}
          onClose={() => setOpen(false)}
          onDo={(reason) => {
            void act
              .run(
                { body: { line, model, reason, ...by } },
                {
                  done: `${line} has another champion now`,
                  ...(former === undefined
                    ? {}
                    : {
                        undo: async () =>
                          await client.call("POST /api/classify/champions", {
                            body: { line, model: former, reason: `taken back at once: ${reason}`, ...by },
                          }),
                      }),
                },
              )
              .then((answer) => answer !== undefined && setOpen(false));
          }}
        >
          <p>
            <code>{model}</code> codes what comes from now on
            {former === undefined ? (
              ""
            ) : (
              <>
                {" "}
                instead of <code>{former}</code>
              </>
            )}
            . What was coded before stays as it is until the period is coded again.
          </p>
        </Confirm>
      )}
    </>
  );
}

export interface HeldProps {
  readonly verdict: string;
  readonly line: string;
  readonly challenger: string;
  readonly champion: string;
}

/** Approves or rejects a promotion that waits. */
export function RuleOnHeld({ verdict, line, challenger, champion }: HeldProps) {
  const [ruling, setRuling] = useState<"approved" | "rejected" | undefined>(undefined);
  const by = useBy();
  const act = useAct("POST /api/classify/champions/held");
  const isApproval = ruling === "approved";
  return (
    <div class="row">
      <Button look="first" onPress={() => setRuling("approved")}>
        Approve
      </Button>
      <Button look="danger" onPress={() => setRuling("rejected")}>
        Reject
      </Button>
      {ruling !== undefined && (
        <Confirm
          title={isApproval ? `Promote the new model of ${line}?` : `Keep the champion of ${line}?`}
          act={isApproval ? "Approve the promotion" : "Reject the promotion"}
          danger={!isApproval}
          reason="must"
          busy={act.isRunning}
          said={(reason) => ({
            method: "POST",
            path: "/api/classify/champions/held",
            body: { held: verdict, ruling, reason },
            command: ["classify", "champions", isApproval ? "approve" : "reject", verdict, "--reason", reason],
          })}
          onClose={() => setRuling(undefined)}
          onDo={(reason) => {
            void act
              .run(
                { body: { held: verdict, ruling, reason, ...by } },
                isApproval
                  ? {
                      done: `${line} has another champion now`,
                      undo: async () =>
                        await client.call("POST /api/classify/champions", {
                          body: { line, model: champion, reason: `taken back at once: ${reason}`, ...by },
                        }),
                    }
                  : { done: "The champion stays" },
              )
              .then((answer) => answer !== undefined && setRuling(undefined));
          }}
        >
          <p>
            {isApproval ? (
              <>
                <code>{challenger}</code> takes the place of <code>{champion}</code>, and the labels it learned from become test items of
                the line.
              </>
            ) : (
              <>
                <code>{champion}</code> stays. A rejection stands in the log and is not taken back; the model can still be made champion by
                hand.
              </>
            )}
          </p>
        </Confirm>
      )}
    </div>
  );
}

/** Lets a line decide by itself, or sends all to people; undone by the opposite. */
export function SetAutomatic({ line, automatic }: { line: string; automatic: boolean }) {
  const [isOpen, setOpen] = useState(false);
  const by = useBy();
  const act = useAct("POST /api/classify/champions/automatic");
  const wanted = !automatic;
  return (
    <>
      <Button look={automatic ? "danger" : "plain"} onPress={() => setOpen(true)}>
        {automatic ? "Send everything to people" : "Let it decide by itself"}
      </Button>
      {isOpen && (
        <Confirm
          title={automatic ? `End automatic decisions of ${line}?` : `Let ${line} decide by itself again?`}
          act={automatic ? "Send everything to people" : "Let it decide by itself"}
          danger={automatic}
          reason="must"
          busy={act.isRunning}
          said={(reason) => ({
            method: "POST",
            path: "/api/classify/champions/automatic",
            body: { line, automatic: wanted, reason },
            command: ["classify", "champions", "automatic", line, wanted ? "on" : "off", "--reason", reason],
          })}
          onClose={() => setOpen(false)}
          onDo={(reason) => {
            void act
              .run(
                { body: { line, automatic: wanted, reason, ...by } },
                {
                  done: wanted ? `${line} decides by itself again` : `Every item of ${line} goes to a person now`,
                  undo: async () =>
                    await client.call("POST /api/classify/champions/automatic", {
                      body: { line, automatic, reason: `taken back at once: ${reason}`, ...by },
                    }),
                },
              )
              .then((answer) => answer !== undefined && setOpen(false));
          }}
        >
          <p>
            {automatic
              ? "Every item of sales to come waits for a person. What was decided before stays."
              : "Sales to come are decided automatically where the model is sure; answers to audit samples count from now on."}
          </p>
        </Confirm>
      )}
    </>
  );
}
