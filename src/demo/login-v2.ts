import { createHash, randomBytes } from 'node:crypto';
import type { OutgoingHttpHeaders } from 'node:http';
import { gzipSync } from 'node:zlib';
import { pseudoScript } from './console/script.ts';
import { serveFile, staticFile } from './file-server.ts';
import { State } from './state.ts';
import type { Visit } from './visit.ts';

/** The base path of Login v2 (`NEXT_PUBLIC_BASE_PATH`). */
export const BASE_PATH = '/ui/v2/login';

/** The id of the server action behind the password form. */
export const PASSWORD_ACTION = createHash('sha1').update('password').digest('hex');

/** The pages of Login v2, in the shape that Next.js gives them. */
export class LoginV2 {
  readonly state: State;
  /** Whether the API can be reached: what the readiness probe asks. */
  readonly #apiReady: () => Promise<boolean>;
  readonly #chunks: ReadonlyMap<string, Buffer>;

  constructor(now: () => Date, apiReady: () => Promise<boolean>) {
    this.state = new State(now);
    this.#apiReady = apiReady;
    this.#chunks = new Map(
      ['main-app', 'app/(login)/password/page', 'webpack'].map((name, i) => {
        const body = Buffer.from(`(()=>{const $=[];${pseudoScript(40 + i, 60_000)}})();\n`);
        return [`chunks/${name}-${createHash('sha256').update(body).digest('hex').slice(0, 16)}.js`, body];
      }),
    );
  }

  async answer(visit: Visit): Promise<void> {
    if (visit.path === '/') return visit.redirect(BASE_PATH, {}, 307);
    if (visit.path !== BASE_PATH && !visit.path.startsWith(`${BASE_PATH}/`)) return notFound(visit);
    const path = visit.path.slice(BASE_PATH.length);
    if (path.startsWith('/_next/static/')) return this.#chunk(visit, path.slice('/_next/static/'.length));
    switch (path) {
      case '/healthy':
        return visit.json(200, {});
      case '/ready':
        return (await this.#apiReady()) ? visit.json(200, {}) : visit.json(503, { error: 'API not reachable' });
      case '/headers':
        return visit.json(200, visit.headers);
      case '/security':
        return visit.json(
          200,
          { embeddedIframe: { enabled: false, allowedOrigins: [] }, host: hosts(visit).instanceHost },
          { 'cache-control': 'public, max-age=3600, stale-while-revalidate=86400' },
        );
      default:
        return visit.method === 'POST' ? this.#action(visit) : this.#page(visit, path);
    }
  }

  #chunk(visit: Visit, name: string) {
    const body = this.#chunks.get(name);
    if (!body) return notFound(visit);
    serveFile(visit, staticFile(name, body), { 'cache-control': 'public, max-age=31536000, immutable' });
  }

  #page(visit: Visit, path: string) {
    if (path.includes('.')) return notFound(visit);
    const { instanceHost, publicHost } = hosts(visit);
    const scripts = [...this.#chunks.keys()].map(
      (name) => `<script src="${BASE_PATH}/_next/static/${name}" async></script>`,
    );
    // Links are https for every host that is not localhost (apps/login/src/lib/server/host.ts).
    const origin = `${publicHost.includes('localhost') ? 'http' : 'https'}://${publicHost}`;
    const page = `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Login v2 stand-in</title>
<meta name="instance-host" content="${escaped(instanceHost)}"><meta name="public-origin" content="${escaped(origin)}">
${scripts.join('\n')}</head>
<body><h1>Login v2 stand-in</h1><form method="POST"><input name="loginName"><input name="password" type="password">
<button type="submit">Continue</button></form></body></html>
`;
    const headers: OutgoingHttpHeaders = {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'private, no-cache, no-store, max-age=0, must-revalidate',
      vary: 'rsc, next-router-state-tree, next-router-prefetch, Accept-Encoding',
      'x-powered-by': 'Next.js',
      ...PAGE_SECURITY,
      'set-cookie': [
        `NEXT_LOCALE=en; Path=/; SameSite=lax`,
        `sessions=${randomBytes(12).toString('hex')}; Path=/; HttpOnly`,
      ],
    };
    // Next.js compresses by itself.
    if (!/\bgzip\b/.test(visit.header('accept-encoding'))) return visit.send(200, headers, page);
    visit.send(200, { ...headers, 'content-encoding': 'gzip' }, gzipSync(page));
  }

  /** A server action: refused when the Origin is not the host that was asked for (Next.js, serverActions.allowedOrigins). */
  async #action(visit: Visit): Promise<void> {
    const form = await visit.form();
    const origin = visit.header('origin');
    const host = visit.header('x-forwarded-host') || visit.authority;
    if (origin !== '' && (!URL.canParse(origin) || new URL(origin).host !== host)) {
      return visit.error(500, 'Invalid Server Actions request.');
    }
    if (visit.header('next-action') === '') return this.#page(visit, '');
    const right = this.state.checkPassword(form.get('loginName') ?? '', form.get('password') ?? '');
    const result = right ? { redirect: `${BASE_PATH}/signedin` } : { error: 'Failed to authenticate.' };
    visit.send(
      200,
      {
        'content-type': 'text/x-component',
        'cache-control': 'no-cache, no-store, max-age=0, must-revalidate',
        'x-action-revalidated': '[[],0,0]',
        ...PAGE_SECURITY,
      },
      `0:{"a":"$@1","f":"","b":"stand-in"}\n1:${JSON.stringify(result)}\n`,
    );
  }
}

const PAGE_SECURITY = {
  'content-security-policy':
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; connect-src 'self'; " +
    "style-src 'self' 'unsafe-inline'; img-src 'self'; font-src 'self'; frame-ancestors 'none'; object-src 'none'",
  'x-frame-options': 'DENY',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'origin-when-cross-origin',
};

/** The hosts that Login v2 reads from a request (apps/login/src/lib/server/host.ts). */
function hosts(visit: Visit): { instanceHost: string; publicHost: string } {
  const first = (...names: string[]) => names.map((name) => visit.header(name)).find((value) => value !== '') ?? '';
  return {
    instanceHost: first('x-zitadel-instance-host', 'x-zitadel-forward-host') || visit.authority,
    publicHost: first('x-zitadel-public-host', 'x-zitadel-forward-host', 'x-forwarded-host') || visit.authority,
  };
}

function notFound(visit: Visit): void {
  visit.html(404, '<!DOCTYPE html><title>404: This page could not be found.</title>', {
    'cache-control': 'private, no-cache, no-store, max-age=0, must-revalidate',
  });
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
