import { generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';

/** Claims of a token. */
export type Claims = Record<string, unknown>;

/** The signing key of an instance: ECDSA over P-256, one of the algorithms of ZITADEL's web keys. */
export class SigningKey {
  readonly id: string;
  readonly #private: KeyObject;
  readonly #public: KeyObject;

  constructor(id: string) {
    this.id = id;
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.#private = pair.privateKey;
    this.#public = pair.publicKey;
  }

  /** The public half (RFC 7517). */
  get jwk(): Record<string, unknown> {
    return { ...this.#public.export({ format: 'jwk' }), kid: this.id, use: 'sig', alg: 'ES256' };
  }

  /** A signed token (RFC 7519). */
  sign(claims: Claims): string {
    const head = encoded({ alg: 'ES256', kid: this.id, typ: 'JWT' });
    const input = `${head}.${encoded(claims)}`;
    const signature = sign('sha256', Buffer.from(input), { key: this.#private, dsaEncoding: 'ieee-p1363' });
    return `${input}.${signature.toString('base64url')}`;
  }

  /** The claims of a token that this key has signed and that has not expired, or undefined. */
  verify(token: string, now: Date): Claims | undefined {
    const [head, body, signature] = token.split('.');
    if (!head || !body || !signature) return undefined;
    const key = { key: this.#public, dsaEncoding: 'ieee-p1363' as const };
    if (!verify('sha256', Buffer.from(`${head}.${body}`), key, Buffer.from(signature, 'base64url'))) return undefined;
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as Claims;
    return Number(claims.exp) * 1000 > now.getTime() ? claims : undefined;
  }
}

function encoded(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
