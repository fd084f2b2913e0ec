// Topics: which channels hear of a topic.

/** Topic -> channel names. A key is a topic, a beginning that ends in a dot (`stakeholders.`), or `*`. */
export type Topics = Readonly<Record<string, readonly string[]>>;

/** What is true without settings; a process that has no more than this speaks for nobody. */
export const defaultTopics: Topics = { "*": ["log"] };

/**
 * Finds the channels of a topic: the exact key, else the longest beginning, else `*`, else the log.
 *
 * A notice that no key speaks for goes to the log, so that none is lost in silence. An empty list silences a topic on purpose.
 */
export function channelsOf(topic: string, topics: Topics): readonly string[] {
  const exact = own(topics, topic);
  if (exact !== undefined) return [...new Set(exact)];
  let best = "";
  for (const key of Object.keys(topics)) {
    if (key.endsWith(".") && topic.startsWith(key) && key.length > best.length) best = key;
  }
  return [...new Set(own(topics, best) ?? own(topics, "*") ?? ["log"])];
}

const own = (topics: Topics, key: string): readonly string[] | undefined => (Object.hasOwn(topics, key) ? topics[key] : undefined);
