import { createHash, randomBytes } from 'node:crypto';
import type { State, UserEntry } from '../state.ts';
import { USERS } from '../state.ts';
import type { Client } from './client.ts';
import type { Claims, SigningKey } from './keys.ts';

/** An authorization request between its start and its code. */
export interface AuthRequest {
  readonly id: string;
  readonly clientId: string;
  readonly redirectUri: string;
  readonly scope: string;
  readonly state: string;
  readonly nonce: string;
  readonly codeChallenge: string;
  /** Who has signed in, once somebody has. */
  user: UserEntry | undefined;
}

/** The answer of the token endpoint: the tokens, or an error of RFC 6749 section 5.2. */
export type TokenAnswer = Readonly<Record<string, string | number>>;

/** Why there are no tokens. */
export class GrantError extends Error {
  readonly code: string;
  readonly status: number;

  constructor(code: string, description: string, status = 400) {
    super(description);
    this.code = code;
    this.status = status;
  }
}

const LIFETIME_S = 43_200;
const DEVICE_CODE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';
const JWT_BEARER_GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
/** The grants that discovery names; the password grant is the stand-in's own, for load tests. */
export const GRANTS = [
  'authorization_code',
  'client_credentials',
  'refresh_token',
  'password',
  DEVICE_CODE_GRANT,
  JWT_BEARER_GRANT,
];

/** What has been granted and asked for: the memory of the OpenID Connect endpoints. */
export class Grants {
  readonly requests = new Map<string, AuthRequest>();
  readonly #codes = new Map<string, AuthRequest>();
  readonly #refresh = new Map<string, UserEntry>();
  readonly #devices = new Set<string>();
  readonly #revoked = new Set<string>();
  readonly #state: State;
  readonly #key: SigningKey;

  constructor(state: State, key: SigningKey) {
    this.#state = state;
    this.#key = key;
  }

  /** Remembers an authorization request. */
  begin(query: URLSearchParams): AuthRequest {
    const request: AuthRequest = {
      id: this.#state.newId(),
      clientId: query.get('client_id') ?? '',
      redirectUri: query.get('redirect_uri') ?? '',
      scope: query.get('scope') ?? '',
      state: query.get('state') ?? '',
      nonce: query.get('nonce') ?? '',
      codeChallenge: query.get('code_challenge') ?? '',
      user: undefined,
    };
    this.requests.set(request.id, request);
    return request;
  }

  /** The address that an authorization request comes back to, with its code. */
  finish(request: AuthRequest): string {
    const code = randomBytes(24).toString('base64url');
    this.requests.delete(request.id);
    this.#codes.set(code, request);
    const back = new URL(request.redirectUri);
    back.searchParams.set('code', code);
    if (request.state !== '') back.searchParams.set('state', request.state);
    return back.href;
  }

  /** A new pair of codes for a device (RFC 8628 section 3.2). */
  device(): { deviceCode: string; userCode: string } {
    const deviceCode = randomBytes(32).toString('base64url');
    this.#devices.add(deviceCode);
    const letters = Array.from(randomBytes(8), (byte) => 'BCDFGHJKLMNPQRST'[byte & 15]).join('');
    return { deviceCode, userCode: `${letters.slice(0, 4)}-${letters.slice(4)}` };
  }

  revoke(token: string): void {
    this.#revoked.add(token);
    this.#refresh.delete(token);
  }

  /** The claims of a token that is good, or undefined. */
  claims(token: string): Claims | undefined {
    return this.#revoked.has(token) ? undefined : this.#key.verify(token, this.#state.now());
  }

  /** Serves a token request of an authenticated client. */
  token(client: Client, form: URLSearchParams, issuer: string): TokenAnswer {
    const need = (name: string) => {
      const value = form.get(name);
      if (!value) throw new GrantError('invalid_request', `${name} missing`);
      return value;
    };
    switch (form.get('grant_type')) {
      case 'client_credentials':
        if (client.secret === '') throw new GrantError('unauthorized_client', 'a public client has no credentials');
        return this.#tokens(client, { sub: client.id }, issuer, form.get('scope') ?? '');
      case 'password': {
        const name = need('username');
        if (!this.#state.checkPassword(name, need('password'))) {
          throw new GrantError('invalid_grant', 'Errors.User.Password.Invalid');
        }
        return this.#forUser(client, this.#state.userByName(name)!, issuer, form.get('scope') ?? '', '');
      }
      case 'authorization_code': {
        const request = this.#codes.get(need('code'));
        this.#codes.delete(form.get('code') ?? '');
        const known = request?.clientId === client.id && request.redirectUri === form.get('redirect_uri');
        if (!request || !known || !verified(request, form.get('code_verifier') ?? '')) {
          throw new GrantError('invalid_grant', 'invalid code');
        }
        return this.#forUser(client, request.user ?? USERS[0]!, issuer, request.scope, request.nonce);
      }
      case 'refresh_token': {
        const token = need('refresh_token');
        const user = this.#refresh.get(token);
        if (!user) throw new GrantError('invalid_grant', 'Errors.User.RefreshToken.Invalid');
        this.#refresh.delete(token);
        return this.#forUser(client, user, issuer, form.get('scope') ?? 'openid offline_access', '');
      }
      case DEVICE_CODE_GRANT:
        if (!this.#devices.has(need('device_code'))) throw new GrantError('invalid_grant', 'unknown device code');
        throw new GrantError('authorization_pending', 'the user has not decided yet');
      case JWT_BEARER_GRANT:
        need('assertion');
        return this.#tokens(client, { sub: USERS[0]!.id }, issuer, form.get('scope') ?? '');
      default:
        throw new GrantError('unsupported_grant_type', `${form.get('grant_type') ?? ''} not supported`);
    }
  }

  #forUser(client: Client, user: UserEntry, issuer: string, scope: string, nonce: string): TokenAnswer {
    const tokens = this.#tokens(client, { sub: user.id }, issuer, scope);
    const scopes = scope.split(' ');
    const answer: Record<string, string | number> = { ...tokens };
    if (scopes.includes('openid')) {
      const claims = { ...userClaims(user), ...(nonce && { nonce }) };
      answer.id_token = this.#key.sign({ ...this.#standard(client, issuer), sub: user.id, ...claims });
    }
    if (scopes.includes('offline_access')) {
      const refresh = randomBytes(32).toString('base64url');
      this.#refresh.set(refresh, user);
      answer.refresh_token = refresh;
    }
    return answer;
  }

  #tokens(client: Client, claims: Claims, issuer: string, scope: string): TokenAnswer {
    const token = this.#key.sign({ ...this.#standard(client, issuer), ...claims, scope, jti: this.#state.newId() });
    return { access_token: token, token_type: 'Bearer', expires_in: LIFETIME_S };
  }

  #standard(client: Client, issuer: string): Claims {
    const now = Math.floor(this.#state.now().getTime() / 1000);
    return { iss: issuer, aud: [client.id], client_id: client.id, iat: now, nbf: now, exp: now + LIFETIME_S };
  }
}

/** What userinfo and id tokens say of a user. */
export function userClaims(user: UserEntry): Claims {
  return {
    name: `${user.givenName} ${user.familyName}`,
    given_name: user.givenName,
    family_name: user.familyName,
    preferred_username: user.loginName,
    email: user.email,
    email_verified: true,
  };
}

/** Proof Key for Code Exchange, method S256 (RFC 7636 section 4.6). */
function verified(request: AuthRequest, verifier: string): boolean {
  if (request.codeChallenge === '') return true;
  return createHash('sha256').update(verifier).digest('base64url') === request.codeChallenge;
}
