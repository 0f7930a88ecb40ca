import { getField } from '../../core/headers.ts';
import { formField } from './form-fields.ts';
import { type KeyPart, UNREADABLE } from './key-part.ts';
import { short } from './short.ts';

/**
 * The OAuth client that a request names, in the order in which ZITADEL's OIDC library looks: Basic authentication
 * (RFC 6749 section 2.3.1: the name is form-encoded), `client_id` of the form or query, the issuer of a client assertion
 * (RFC 7523 section 3) or of a JWT grant. Nothing of it is verified here.
 */
export const clientId: KeyPart = {
  name: 'client_id',
  summary: 'The OAuth client: of Basic authentication, the form, or the issuer of an assertion. Not verified.',
  argument: undefined,
  phase: 'body',
  chosenByClient: true,
  secret: false,
  compile: () => (exchange, body) => {
    const basic = basicUser(getField(exchange.raw.fields, 'authorization'));
    if (basic !== undefined) return short(basic);
    const given = formField(exchange, body, 'client_id');
    if (given === UNREADABLE) return UNREADABLE;
    if (given !== undefined) return short(given);
    for (const name of ['client_assertion', 'assertion']) {
      const assertion = formField(exchange, body, name);
      if (assertion === UNREADABLE) return UNREADABLE;
      if (assertion !== undefined) return issuerOf(assertion);
    }
    return undefined;
  },
};

function basicUser(authorization: string | undefined): string | undefined {
  const encoded = authorization === undefined ? undefined : /^basic +([\w+/=-]+)$/i.exec(authorization)?.[1];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 1) return undefined;
  const user = text.slice(0, colon).replaceAll('+', ' ');
  try {
    return decodeURIComponent(user);
  } catch {
    return user;
  }
}

/** `iss` of a JWT that nobody has verified. */
function issuerOf(assertion: string): string | typeof UNREADABLE {
  try {
    const claims: unknown = JSON.parse(Buffer.from(assertion.split('.')[1] ?? '', 'base64url').toString('utf8'));
    const { iss } = claims as { iss?: unknown };
    return typeof iss === 'string' && iss !== '' ? short(iss) : UNREADABLE;
  } catch {
    return UNREADABLE;
  }
}
