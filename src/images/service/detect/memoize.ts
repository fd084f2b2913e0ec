// Remember: what a detector said of an original holds until the original changes.
//
//   R1. Bounded: the answers longest not asked for go first.
//   R2. Equal questions at once are asked once.
//   R3. A failure is not remembered.

import type { Face, FaceDetector, ModerationLabel, Moderator, PictureFacts } from "../../engine/pictures/tools.ts";

interface MemoizeOptions {
  /** Answers kept. Default 10,000. */
  readonly maxRemembered?: number;
}

interface Memory<Answer> {
  readonly recall: (id: string) => Answer | undefined;
  readonly ask: (id: string, ask: () => Promise<Answer>) => Promise<Answer>;
}

function makeMemory<Answer>({ maxRemembered = 10_000 }: MemoizeOptions): Memory<Answer> {
  const answers = new Map<string, Answer>();
  const asked = new Map<string, Promise<Answer>>();
  const recall = (id: string): Answer | undefined => {
    const answer = answers.get(id);
    if (answer === undefined) return undefined;
    // To the young end of the map.
    answers.delete(id);
    answers.set(id, answer);
    return answer;
  };
  const find = async (id: string, ask: () => Promise<Answer>): Promise<Answer> => {
    try {
      const answer = await ask();
      answers.set(id, answer);
      for (const oldest of answers.keys()) {
        if (answers.size <= maxRemembered) break;
        answers.delete(oldest);
      }
      return answer;
    } finally {
      asked.delete(id);
    }
  };
  return {
    recall,
    ask: (id, ask) => {
      const known = recall(id);
      if (known !== undefined) return Promise.resolve(known);
      const under = asked.get(id);
      if (under !== undefined) return under;
      const asking = find(id, ask);
      asked.set(id, asking);
      return asking;
    },
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
