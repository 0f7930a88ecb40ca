/**
 * Names whose values are secrets, or personal, in the URLs that ZITADEL and its clients use; lower case, letters and
 * digits only, as `canonical` makes them. Sources: RFC 6749, 7009, 7521, 7636, 7662, 8628, 8693, 9126, 9101; OpenID
 * Connect Core, RP-Initiated Logout and Session Management; SAML Bindings 3.4 (HTTP-Redirect); the mail links and pages
 * of ZITADEL, internal/api/ui/login and apps/login; `session_token` of its session service, which REST takes as a query.
 */
export const SECRET_NAMES: readonly string[] = [
  // OAuth 2.0 and OpenID Connect
  'code',
  'state',
  'sessionstate',
  'nonce',
  'codeverifier',
  'codechallenge',
  'token',
  'accesstoken',
  'refreshtoken',
  'idtoken',
  'idtokenhint',
  'logintoken',
  'logouttoken',
  'subjecttoken',
  'actortoken',
  'assertion',
  'clientassertion',
  'clientsecret',
  'devicecode',
  'usercode',
  'request',
  'requesturi',
  'loginhint',
  'logouthint',
  'sid',
  // SAML
  'samlrequest',
  'samlresponse',
  'samlart',
  'relaystate',
  'signature',
  'sig',
  // ZITADEL
  'authrequest',
  'authrequestid',
  'requestid',
  'userid',
  'loginname',
  'sessiontoken',
  'sessionid',
  'invitecode',
  // what people call secrets elsewhere
  'password',
  'passwd',
  'pwd',
  'pin',
  'otp',
  'totp',
  'ticket',
  'authorization',
  'cookie',
];

/** Parts of names that make any name a secret one: `new_password`, `idp_token`, `verificationCode`. */
const SECRET_PART = /token|secret|passw|passphrase|passcode|assertion|credential|apikey|jwt|code$/;

/** A name with its spelling taken away: `client-secret`, `clientSecret` and `client_secret` are one. */
export function canonical(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '');
}

/** Percent-decoding that never fails: what is not UTF-8 is decoded byte by byte, which is enough to know an ASCII name. */
export function decodeLeniently(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return decodeBytes(text);
  }
}

function decodeBytes(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** How often a name may be encoded over itself and still be known. */
const MAX_DECODINGS = 4;

/** Answers are remembered, for so many names; a client can invent more, and those are worked out each time. */
const REMEMBERED = 1024;

/** Tells secret names; `more` are those of the operator. */
export class SecretNames {
  readonly #exact: ReadonlySet<string>;
  readonly #known = new Map<string, boolean>();

  constructor(more: readonly string[] = []) {
    this.#exact = new Set([...SECRET_NAMES, ...more.map(canonical)]);
  }

  /** Whether the value of this name is secret; the name as it stands in the URL, encoded or not. */
  has(name: string): boolean {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const secret = this.#judge(name);
    if (this.#known.size < REMEMBERED && name.length <= 64) this.#known.set(name, secret);
    return secret;
  }

  #judge(name: string): boolean {
    let decoded = name;
    for (let i = 0; i < MAX_DECODINGS && decoded.includes('%'); i += 1) decoded = decodeLeniently(decoded);
    // `checks.password.password` and `user[password]` are paths to a field: each step may be the secret one.
    for (const part of decoded.split(/[^A-Za-z0-9_-]+/)) {
      const plain = canonical(part);
      if (this.#exact.has(plain) || SECRET_PART.test(plain)) return true;
    }
    return false;
  }
}
