import { type AdminAnswer, type AdminSources, type Entry, jsonAnswer } from '../entry.ts';

/** GET /reload: what is in force, and since when; POST /reload: reads the config again; 200, or 409 with what is wrong with it while the one before stays in use. */
export function reload(sources: Pick<AdminSources, 'reload' | 'reloads'>): Entry[] {
  const again = sources.reload;
  if (again === undefined) return [];
  async function answer(): Promise<AdminAnswer> {
    try {
      const done = await again!();
      return jsonAnswer(200, { ok: true, ...(typeof done === 'object' && done) });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      return jsonAnswer(409, { ok: false, problems: message.split('\n').filter((line) => line.trim() !== '') });
    }
  }
  const entries: Entry[] = [{ method: 'POST', path: '/reload', access: 'operators', answer }];
  const { reloads } = sources;
  if (reloads !== undefined) {
    entries.push({ method: 'GET', path: '/reload', access: 'operators', answer: () => jsonAnswer(200, reloads()) });
  }
  return entries;
}
