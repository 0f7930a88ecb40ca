import type { Visit } from '../visit.ts';

/** An application that may ask for tokens. */
export interface Client {
  readonly id: string;
  /** Empty for a public client, which has PKCE instead. */
  readonly secret: string;
}

/** The applications from the start: the Console, which is public, and one with a secret. */
const CLIENTS: readonly Client[] = [
  { id: '163840776852275201', secret: '' },
  { id: '163840776852275202', secret: 'demo-secret' },
];
/** The client id of the Console. */
export const CONSOLE_CLIENT_ID = CLIENTS[0]!.id;

/** Reads who asks, from HTTP Basic or the form (RFC 6749 section 2.3.1); undefined when unknown or wrong. */
export function authenticated(visit: Visit, form: URLSearchParams): Client | undefined {
  const basic = /^Basic (.+)$/i.exec(visit.header('authorization'))?.[1];
  let id = form.get('client_id') ?? '';
  let secret = form.get('client_secret') ?? '';
  if (basic) {
    const text = Buffer.from(basic, 'base64').toString();
    const at = text.indexOf(':');
    id = decodeURIComponent(text.slice(0, at));
    secret = decodeURIComponent(text.slice(at + 1));
  }
  return CLIENTS.find((client) => client.id === id && client.secret === secret);
}
