// Words that several commands of the installation share.

export const reasonArg = { reason: { type: "string", description: "Why; kept with your name as an event", valueHint: "text" } } as const;

/** How many rows a page over HTTP is asked for. */
export const pageOf = (limit: number): number => Math.min(limit, 1_000);

export const idArg = (description: string) => ({ id: { type: "positional", required: true, description } }) as const;
