// Words that several commands of the installation share.

export const idArg = (description: string) => ({ id: { type: "positional", required: true, description } }) as const;
