// Writing the next revision of a report now instead of in the night.

import { useState } from "preact/hooks";
import { useAct } from "../../data/act.ts";
import { Button } from "../../parts/button.tsx";
import { Confirm } from "../../parts/dialog.tsx";

export function Restate({ period, country }: { period: string; country: string }) {
  const [isOpen, setOpen] = useState(false);
  const act = useAct("POST /api/classify/report/restate", {
    done: ({ reports }) => `${country} has revision ${reports.find((one) => one.country === country)?.revision ?? 0} now`,
  });
  return (
    <>
      <Button look="first" onPress={() => setOpen(true)}>
        Restate
      </Button>
      {isOpen && (
        <Confirm
          title={`Restate ${period} of ${country}?`}
          act="Write the next revision"
          busy={act.isRunning}
          said={() => ({
            method: "POST",
            path: "/api/classify/report/restate",
            body: { period, country },
            command: ["classify", "reports", "show", "--period", period, "--country", country, "--restate"],
          })}
          onClose={() => setOpen(false)}
          onDo={() => {
            void act.run({ body: { period, country } }).then((answer) => answer !== undefined && setOpen(false));
          }}
        >
          <p>
            Where answers or codings have changed the figures, a new revision is written with its reason; the earlier ones stay and can be
            looked at. It is not taken back.
          </p>
        </Confirm>
      )}
    </>
  );
}
