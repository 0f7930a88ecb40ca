/** A path to a field of a request's message, as limits name it: `checks.user.login_name`. */

import type { MessageField, MessageType } from './message-type.ts';

/** The fields on the way to a text or a number, outermost first. */
export type FieldPath = readonly MessageField[];

/** The way through a message; undefined where it has no such field. Both spellings of names are taken. */
export function fieldPath(type: MessageType, path: string): FieldPath | undefined {
  const fields: MessageField[] = [];
  let at: MessageType | undefined = type;
  for (const name of path.split('.')) {
    const field: MessageField | undefined = at?.fields.find((one) => one.name === name || one.jsonName === name);
    if (field === undefined) return undefined;
    fields.push(field);
    at = field.type;
  }
  return at === undefined ? fields : undefined;
}
