/** The head that goes to those who read an answer while it is stored. */

import type { AnswerHead } from '../../cache/freshness.ts';
import { getField } from '../../core/headers.ts';
import type { Fields } from '../../core/raw.ts';

/** What is stored of the fields, and what the answer says of its age and length, which is not stored. */
export function shownHead(came: AnswerHead, stored: Fields): AnswerHead {
  const fields = [...stored];
  for (const name of ['age', 'content-length']) {
    const value = getField(came.fields, name);
    if (value !== undefined) fields.push(name, value);
  }
  return { status: came.status, fields };
}
