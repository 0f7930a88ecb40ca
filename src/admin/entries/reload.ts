import { type AdminAnswer, type AdminSources, type Entry, jsonAnswer } from '../entry.ts';

/** POST /reload: reads the config again; 200, or 409 with what is wrong with it while the one before stays in use. */
export function reload(sources: Pick<AdminSources, 'reload'>): Entry[] {
  const again = sources.reload;
  if (again === undefined) return [];
  async function answer(): Promise<AdminAnswer> {
    try {
      await again!();
      return jsonAnswer(200, { ok: true });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      return jsonAnswer(409, { ok: false, problems: message.split('\n').filter((line) => line.trim() !== '') });
    }
  }
  return [{ method: 'POST', path: '/reload', access: 'operators', answer }];
}
