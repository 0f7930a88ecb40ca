import { type Entry, textAnswer } from '../entry.ts';

/** GET /live: the process runs and its event loop turns. */
export function live(): Entry {
  return { method: 'GET', path: '/live', access: 'everyone', answer: () => textAnswer(200, 'ok') };
}
