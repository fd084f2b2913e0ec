// Words that several commands of the installation share.

export const reasonArg = { reason: { type: "string", description: "Why; kept with your name as an event", valueHint: "text" } } as const;

export const idArg = (description: string) => ({ id: { type: "positional", required: true, description } }) as const;
