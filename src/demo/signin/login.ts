import { randomBytes } from 'node:crypto';
import type { OutgoingHttpHeaders } from 'node:http';
import { loginPolicy, securityHeaders } from '../security.ts';
import type { State } from '../state.ts';
import type { Visit } from '../visit.ts';
import { cookie, cookieName, userAgentCookie } from './cookie.ts';
import type { Grants } from './grants.ts';

/** What the login pages are made of. */
export interface LoginOptions {
  readonly state: State;
  readonly grants: Grants;
  readonly externalSecure: boolean;
}

const CSRF_COOKIE = 'zitadel.login.csrf';
const CSRF_FIELD = 'gorilla.csrf.Token';
const TWELVE_HOURS_S = 43_200;

interface Step {
  readonly title: string;
  /** Inputs of the form, by name, with their types. */
  readonly inputs?: Readonly<Record<string, string>>;
  /** Where the form goes, below /ui/login. */
  readonly action?: string;
  readonly error?: string;
}

/** The pages of Login v1 (ZITADEL internal/api/ui/login): rendered here, guarded by a CSRF cookie and field. */
export class Login {
  readonly #options: LoginOptions;
  /** Password-reset mails that GETs have set off. */
  resetMails = 0;

  constructor(options: LoginOptions) {
    this.#options = options;
  }

  async answer(visit: Visit): Promise<void> {
    const path = visit.path.slice('/ui/login'.length);
    if (path === '') return visit.redirect('/ui/login/', {}, 301);
    if (path === '/healthz' || path === '/ready') return visit.json(200, 'ok');
    if (visit.method === 'POST') return this.#post(visit, path);
    if (visit.method !== 'GET' && visit.method !== 'HEAD') return visit.send(405);
    const request = visit.query.get('authRequestID') ?? '';
    const step = this.#pages[path];
    if (!step) return visit.error(404, '404 page not found');
    // A GET that acts: it sends a mail.
    if (path === '/password/reset') this.resetMails += 1;
    this.#render(visit, 200, step, request);
  }

  readonly #pages: Readonly<Record<string, Step>> = {
    '/': { title: 'Login', inputs: { loginName: 'text' }, action: '/loginname' },
    '/login': { title: 'Login', inputs: { loginName: 'text' }, action: '/loginname' },
    '/loginname': { title: 'Login', inputs: { loginName: 'text' }, action: '/loginname' },
    '/register': { title: 'Registration', inputs: { email: 'email', password: 'password' }, action: '/register' },
    '/password/reset': { title: 'A mail has been sent' },
    '/password/init': { title: 'Set a password', inputs: { code: 'text', password: 'password' }, action: '/password' },
    '/mfa/otp/verify': { title: 'Enter the code', inputs: { code: 'text' }, action: '/mfa/verify' },
    '/device': { title: 'Device', inputs: { user_code: 'text' }, action: '/device' },
    '/logout/done': { title: 'Logged out' },
    '/login/success': { title: 'Logged in' },
  };

  async #post(visit: Visit, path: string): Promise<void> {
    const form = await visit.form();
    const request = form.get('authRequestID') ?? '';
    const sent = visit.cookie(cookieName(CSRF_COOKIE, this.#options.externalSecure));
    if (sent === '' || sent !== form.get(CSRF_FIELD)) {
      return this.#render(visit, 403, { title: 'Forbidden', error: 'CSRF token invalid' }, request);
    }
    const loginName = form.get('loginName') ?? '';
    if (path === '/loginname') {
      const inputs = { loginName: 'hidden', password: 'password' };
      return this.#render(visit, 200, { title: 'Password', inputs, action: '/password' }, request, loginName);
    }
    if (path !== '/password') return this.#render(visit, 200, { title: 'Done' }, request);
    if (!this.#options.state.checkPassword(loginName, form.get('password') ?? '')) {
      // A wrong password is a page like any other: 200.
      const inputs = { loginName: 'hidden', password: 'password' };
      const error = 'Username or Password is invalid. Errors.User.UsernameOrPassword.Invalid';
      return this.#render(visit, 200, { title: 'Password', inputs, action: '/password', error }, request, loginName);
    }
    const pending = this.#options.grants.requests.get(request);
    if (!pending) return visit.redirect('/ui/console/', this.#headers(visit, newNonce(), newToken()));
    pending.user = this.#options.state.userByName(loginName);
    visit.redirect(`/oauth/v2/authorize/callback?id=${request}`);
  }

  #render(visit: Visit, status: number, step: Step, request: string, loginName = ''): void {
    const nonce = newNonce();
    const token = visit.cookie(cookieName(CSRF_COOKIE, this.#options.externalSecure)) || newToken();
    const inputs = Object.entries(step.inputs ?? {}).map(([name, type]) => {
      const value = name === 'loginName' ? escaped(loginName) : '';
      return `<label>${name} <input name="${name}" type="${type}" value="${value}"></label>`;
    });
    const form = step.action
      ? `<form action="/ui/login${step.action}" method="POST">
<input type="hidden" name="${CSRF_FIELD}" value="${token}">
<input type="hidden" name="authRequestID" value="${escaped(request)}">
${inputs.join('\n')}
<button type="submit">next</button>
</form>`
      : '';
    const page = `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>${step.title}</title>
<link rel="stylesheet" href="/ui/login/resources/themes/zitadel/css/zitadel.css?v=2026-11-01T00:00:00Z">
<script nonce="${nonce}">document.documentElement.dataset.ready = 'yes';</script>
<script src="/ui/login/resources/scripts/theme.js?v=2026-11-01T00:00:00Z"></script>
</head><body><h1>${step.title}</h1>${step.error ? `<p class="error">${step.error}</p>` : ''}
${form}
</body></html>
`;
    // A rendered page is written without WriteHeader, so that the interceptor's no-store never gets in.
    visit.html(status, page, this.#headers(visit, nonce, token));
  }

  #headers(visit: Visit, nonce: string, token: string): OutgoingHttpHeaders {
    const { externalSecure } = this.#options;
    const userAgent = userAgentCookie(visit, externalSecure);
    const csrf = cookie(CSRF_COOKIE, token, TWELVE_HOURS_S, externalSecure);
    return {
      ...securityHeaders(loginPolicy(nonce)),
      ...userAgent,
      'set-cookie': [csrf, ...(userAgent['set-cookie'] ?? [])],
    };
  }
}

function newNonce(): string {
  return randomBytes(32).toString('base64');
}

function newToken(): string {
  return randomBytes(32).toString('base64url');
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
