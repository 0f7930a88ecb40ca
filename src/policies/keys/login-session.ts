import { cookiesNamed } from '../../core/cookies.ts';
import { type KeyPart, UNREADABLE } from './key-part.ts';
import { short } from './short.ts';

/** A cookie of Login v2 holds 2048 characters, which is room for about eight sessions. */
const MOST = 16;

/**
 * The sessions of a browser in Login v2: all ids in its cookie `sessions`, each a key. The cookie is plain JSON
 * (apps/login/src/lib/cookies.ts), and its server actions choose a session of it by id, by login name, or as the latest,
 * as the caller says (apps/login/src/lib/server/{password,otp,session}.ts). So whoever has a session of an account can
 * call it anything: only the id binds a guess to its account, and every one that is there counts.
 */
export const loginSession: KeyPart = {
  name: 'login_session',
  summary: 'The sessions of a browser in Login v2, each counted by its id.',
  argument: undefined,
  phase: 'head',
  chosenByClient: true,
  secret: false,
  several: true,
  compile:
    () =>
    ({ raw: { fields } }) => {
      const ids = new Set<string>();
      // Of a cookie that is there twice Next.js takes the last one, others the first: all of them count.
      for (const value of cookiesNamed(fields, 'sessions')) if (!collect(value, ids)) return UNREADABLE;
      return ids.size === 0 ? undefined : [...ids];
    },
};

/** Collects the ids of a cookie; false where it is not what Login v2 writes. */
function collect(value: string, ids: Set<string>): boolean {
  if (value === '') return true;
  try {
    const sessions: unknown = JSON.parse(decodeURIComponent(value));
    if (!Array.isArray(sessions)) return false;
    for (const session of sessions as unknown[]) {
      const { id } = session as { id?: unknown };
      if (typeof id !== 'string' || ids.size >= MOST) return false;
      ids.add(short(id));
    }
    return true;
  } catch {
    return false;
  }
}
