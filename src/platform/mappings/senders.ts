// Senders: whose file an object is. Files of one sender are read alike.

import type { ObjectEntry } from "../objects/contract.ts";

export const senderRule = "a name of up to 100 letters, digits, dots, hyphens, underscores and @";

/** Whether a text can name a sender. */
export const isSender = (text: string): boolean => /^[\p{L}\p{N}][\p{L}\p{N}._@-]{0,99}$/u.test(text);

/** The label by which an object names its sender; none: the role that writes it. */
export const senderLabel = (sender: string | undefined): Readonly<Record<string, string>> => (sender === undefined ? {} : { sender });

/** Who sent an object: whom its label `sender` names, else the role that wrote it. */
export const senderOf = ({ labels, writtenBy }: Pick<ObjectEntry, "labels" | "writtenBy">): string =>
  labels["sender"] ?? /^[\w-]+/.exec(writtenBy)?.[0] ?? writtenBy;

/** What to tell whoever names a sender of bytes that lay there already from another one: they are not stored again. */
export const senderRemark = (entry: Pick<ObjectEntry, "labels" | "writtenBy">, asked: string | undefined): string | undefined =>
  asked === undefined || senderOf(entry) === asked
    ? undefined
    : `the same bytes lay there already from the sender ${senderOf(entry)} and stay its own; ${asked} is the sender from the next change on`;
