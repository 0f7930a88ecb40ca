/** `gatehouse explain --live`: the same question to the gateway that runs, which knows what its keys have left. */

import type { ExplainQuestion } from '../admin/entry.ts';
import { askAdmin } from './admin-client.ts';

/** Asks the admin listener of the config and prints its answer; rejects where there is none. */
export async function explainLive(file: string, question: ExplainQuestion): Promise<number> {
  const query = new URLSearchParams({ method: question.method, url: question.url, ip: question.ip });
  for (const header of question.headers) query.append('header', header);
  if (question.listener !== undefined) query.set('listener', question.listener);
  process.stdout.write(await askAdmin(file, { method: 'GET', path: `/explain?${query}` }));
  return 0;
}
