/** The key of an ACME account, and what is signed with it: JWS in its flattened form, RFC 7515, with ES256. */

import type { KeyObject } from 'node:crypto';
import { createHash, createHmac, createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';

/** A signed message as a directory takes it. */
export interface Jws {
  readonly protected: string;
  readonly payload: string;
  readonly signature: string;
}

/** What a directory gave to tie an account to one that it knows, RFC 8555 section 7.3.4. */
export interface ExternalAccount {
  readonly keyId: string;
  /** base64url. */
  readonly hmacKey: string;
}

/** The public half as JWK, RFC 7517. */
interface PublicJwk {
  readonly crv: string;
  readonly kty: string;
  readonly x: string;
  readonly y: string;
}

/** The key of an account: a secret. */
export class AccountKey {
  /** The public half; its members are in the order that RFC 7638 wants for a thumbprint. */
  readonly jwk: PublicJwk;
  /** RFC 7638, by which an answer to a challenge shows whose it is. */
  readonly thumbprint: string;
  readonly #key: KeyObject;

  private constructor(key: KeyObject) {
    this.#key = key;
    const { crv, kty, x, y } = createPublicKey(key).export({ format: 'jwk' }) as PublicJwk;
    this.jwk = { crv, kty, x, y };
    this.thumbprint = createHash('sha256').update(JSON.stringify(this.jwk)).digest('base64url');
  }

  static make(): AccountKey {
    return new AccountKey(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);
  }

  /** From PKCS#8 in PEM form; throws where it is no P-256 key. */
  static read(pem: string): AccountKey {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') throw new Error('expected an ECDSA key on P-256');
    return new AccountKey(key);
  }

  /** PKCS#8 in PEM form: a secret. */
  get pem(): string {
    return this.#key.export({ format: 'pem', type: 'pkcs8' }) as string;
  }

  /** Signs a payload, undefined for a POST-as-GET; `header` has the nonce, the URL, and the account if there is one. */
  sign(header: Readonly<Record<string, unknown>>, payload: unknown): Jws {
    const whose = header.kid === undefined ? { jwk: this.jwk } : {};
    const encoded = parts({ alg: 'ES256', ...whose, ...header }, payload);
    const signature = sign('sha256', Buffer.from(`${encoded.protected}.${encoded.payload}`), {
      key: this.#key,
      dsaEncoding: 'ieee-p1363',
    });
    return { ...encoded, signature: signature.toString('base64url') };
  }

  /** What ties this key to an account that the directory knows; `url` is that of newAccount. */
  bind({ keyId, hmacKey }: ExternalAccount, url: string): Jws {
    const encoded = parts({ alg: 'HS256', kid: keyId, url }, this.jwk);
    const mac = createHmac('sha256', Buffer.from(hmacKey, 'base64url'));
    const signature = mac.update(`${encoded.protected}.${encoded.payload}`).digest('base64url');
    return { ...encoded, signature };
  }
}

function parts(header: unknown, payload: unknown): { protected: string; payload: string } {
  const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return { protected: encode(header), payload: payload === undefined ? '' : encode(payload) };
}
