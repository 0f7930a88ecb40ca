import { createHash } from 'node:crypto';
import { cacheHeaders, LIFETIMES, neverCacheHeaders } from './caching.ts';
import { type StaticFile, serveFile, staticFile } from './file-server.ts';
import { securityHeaders } from './security.ts';
import { IDS } from './state.ts';
import type { Visit } from './visit.ts';

interface Asset extends StaticFile {
  readonly etag: string;
  readonly changed: Date;
}

/** What an upload may be, as in ZITADEL internal/api/assets/login_policy.go. */
const MAX_UPLOAD_BYTES = 512 * 1024;

/** The assets API: branding and avatars, with ETags (ZITADEL internal/api/assets/asset.go). */
export class Assets {
  readonly #now: () => Date;
  readonly #assets = new Map<string, Asset>();

  constructor(now: () => Date) {
    this.#now = now;
    this.#put(`${IDS.instance}/policy/label/logo`, staticFile('logo.svg', LOGO));
    this.#put(`${IDS.instance}/policy/label/icon`, staticFile('icon.svg', LOGO));
    this.#put(`${IDS.instance}/policy/label/font`, staticFile('font.woff2', Buffer.alloc(24_000, 'wOF2')));
    this.#put('users/me/avatar', staticFile('avatar.svg', LOGO));
  }

  /** The API under /assets/v1. */
  async answer(visit: Visit): Promise<void> {
    // The handler splits the raw request URI, query included; the object's name ends at it.
    const name = visit.target.slice('/assets/v1/'.length).split('?', 1)[0]!;
    const isPrivate = visit.method !== 'GET' || name.startsWith('users/me/');
    if (isPrivate && visit.bearer === '') return this.#refuse(visit, 401, 'auth header missing');
    if (visit.method === 'POST') return this.#upload(visit, name);
    if (visit.method === 'DELETE') {
      this.#assets.delete(name);
      return visit.send(200);
    }
    if (visit.method !== 'GET') return this.#refuse(visit, 405, 'Method Not Allowed');
    this.#download(visit, name);
  }

  /** The branding files of Login v1, `/ui/login/resources/dynamic?orgId=…&filename=…`. */
  dynamic(visit: Visit) {
    this.#download(visit, `${IDS.instance}/${visit.query.get('filename') ?? ''}`);
  }

  #download(visit: Visit, name: string) {
    const asset = this.#assets.get(name);
    if (!asset) return this.#refuse(visit, 404, 'download failed: Errors.Assets.Object.NotFound');
    const validators = {
      ...securityHeaders(),
      etag: asset.etag,
      // Written with time.RFC1123, which says UTC where HTTP says GMT.
      'last-modified': asset.changed.toUTCString().replace('GMT', 'UTC'),
    };
    // One tag is compared as it stands: no list, no weak form.
    if (visit.header('if-none-match') === asset.etag) {
      return visit.send(304, { ...validators, ...cacheHeaders(LIFETIMES.asset, this.#now()) });
    }
    // Written without WriteHeader, so that the interceptor's Cache-Control never gets into a 200.
    visit.send(200, { 'content-type': asset.type, ...validators }, asset.body);
  }

  async #upload(visit: Visit, name: string): Promise<void> {
    const body = await visit.body();
    const boundary = /boundary="?([^";]+)/.exec(visit.header('content-type'))?.[1];
    const part = boundary && filePart(body, boundary);
    if (!part) return this.#refuse(visit, 400, 'http: no such file');
    if (part.body.length > MAX_UPLOAD_BYTES) {
      return this.#refuse(visit, 400, `file too big, max file size is ${MAX_UPLOAD_BYTES / 1024}KB`);
    }
    this.#put(name.replace(/^(?:org|instance)\//, `${IDS.instance}/`), part);
    visit.send(200, securityHeaders());
  }

  #refuse(visit: Visit, status: number, message: string): void {
    visit.error(status, message, { ...securityHeaders(), ...neverCacheHeaders(this.#now()) });
  }

  #put(name: string, file: StaticFile): void {
    const etag = `"${createHash('md5').update(file.body).digest('hex')}"`;
    this.#assets.set(name, { ...file, etag, changed: this.#now() });
  }
}

/** The static files of Login v1, `/ui/login/resources/*`. */
export function serveLoginResource(visit: Visit, now: Date) {
  const file = LOGIN_RESOURCES.get(visit.path.slice('/ui/login/resources/'.length));
  const security = securityHeaders();
  if (!file) return visit.error(404, '404 page not found', { ...security, ...neverCacheHeaders(now) });
  serveFile(visit, file, { ...security, ...cacheHeaders(LIFETIMES.long, now) });
}

const LOGO =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><path d="M8 56 32 8l24 48z" fill="#5469d4"/></svg>';

const LOGIN_RESOURCES: ReadonlyMap<string, StaticFile> = new Map(
  Object.entries({
    'themes/zitadel/css/zitadel.css': `body{font-family:sans-serif}${'.lgn-row{display:flex}'.repeat(2000)}`,
    'scripts/theme.js': `'use strict';${'window.lgnTheme=function(name){return name};'.repeat(200)}`,
    'images/logo.svg': LOGO,
  }).map(([name, body]) => [name, staticFile(name, body)]),
);

/** The part of a multipart form that is a file (RFC 7578). */
function filePart(body: Buffer, boundary: string): StaticFile | undefined {
  let at = body.indexOf(`--${boundary}`);
  while (at >= 0) {
    const next = body.indexOf(`\r\n--${boundary}`, at + 2);
    if (next < 0) return undefined;
    const headEnd = body.indexOf('\r\n\r\n', at);
    const head = body.toString('latin1', at, headEnd);
    if (/name="file"/.test(head)) {
      const type = /^content-type: *(.+)$/im.exec(head)?.[1]?.trim() ?? 'application/octet-stream';
      return { body: body.subarray(headEnd + 4, next), type };
    }
    at = next + 2;
  }
  return undefined;
}
