// Memoize: what a detector said of an original holds until the original changes.
//
//   memoize.R1. Bounded: the answers longest not asked for go first.
//   memoize.R2. Equal questions at once are asked once.
//   memoize.R3. A failure is not memoized.

import { makeSingleFlight } from "../../../platform/concurrency/single-flight.ts";
import type { Face, FaceDetector, ModerationLabel, Moderator, PictureFacts } from "../../engine/pictures/tools.ts";
import { makeLru } from "../../store/cache/memory.ts";

interface MemoizeOptions {
  /** Answers kept. Default 10,000. */
  readonly maxAnswers?: number;
}

interface Memory<Answer> {
  readonly recall: (id: string) => Answer | undefined;
  readonly ask: (id: string, ask: () => Promise<Answer>) => Promise<Answer>;
}

function makeMemory<Answer>({ maxAnswers = 10_000 }: MemoizeOptions): Memory<Answer> {
  const answers = makeLru<Answer>(maxAnswers, () => 1);
  const asking = makeSingleFlight<Answer>();
  return {
    recall: (id) => answers.get(id),
    ask: async (id, ask) =>
      answers.get(id) ??
      (await asking.join(id, undefined, async () => {
        const answer = await ask();
        answers.set(id, answer);
        return answer;
      }).value),
  };
}

// One caller's going away must not end the question for the others who joined it.
const withoutSignal = ({ id, contentType, width, height }: PictureFacts): PictureFacts => ({ id, contentType, width, height });

/** A detector that asks `detector` once for each original (`PictureFacts.id` names it and its version). */
export function memoizeFaces(detector: FaceDetector, options: MemoizeOptions = {}): FaceDetector {
  const memory = makeMemory<readonly Face[]>(options);
  return {
    recall: memory.recall,
    faces: (picture, facts) => memory.ask(facts.id, () => detector.faces(picture, withoutSignal(facts))),
  };
}

/** A moderator that asks `moderator` once for each original. */
export function memoizeLabels(moderator: Moderator, options: MemoizeOptions = {}): Moderator {
  const memory = makeMemory<readonly ModerationLabel[]>(options);
  return {
    recall: memory.recall,
    labels: (picture, facts) => memory.ask(facts.id, () => moderator.labels(picture, withoutSignal(facts))),
  };
}
