import { type AdminSources, type Entry, jsonAnswer } from '../entry.ts';

/** GET /bans: who is banned by which rule and until when. DELETE /bans/:id lifts one. */
export function bans(sources: Pick<AdminSources, 'bans' | 'liftBan'>): Entry[] {
  return [
    { method: 'GET', path: '/bans', access: 'operators', answer: () => jsonAnswer(200, sources.bans()) },
    {
      method: 'DELETE',
      path: '/bans/:id',
      access: 'operators',
      answer({ params }) {
        const lifted = sources.liftBan(params.id ?? '');
        return lifted ? jsonAnswer(200, { ok: true }) : jsonAnswer(404, { problem: 'no ban has this id' });
      },
    },
  ];
}
