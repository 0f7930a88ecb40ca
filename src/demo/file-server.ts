import type { OutgoingHttpHeaders } from 'node:http';
import type { Visit } from './visit.ts';

/** A file held in memory. */
export interface StaticFile {
  readonly body: Buffer;
  readonly type: string;
}

const TYPES: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  html: 'text/html; charset=utf-8',
  ico: 'image/x-icon',
  js: 'text/javascript; charset=utf-8',
  json: 'application/json',
  png: 'image/png',
  svg: 'image/svg+xml',
  woff2: 'font/woff2',
};

/** A file with the media type that Go's mime package gives its name; unknown ones are sniffed to be text. */
export function staticFile(name: string, body: string | Uint8Array): StaticFile {
  const extension = name.slice(name.lastIndexOf('.') + 1);
  return { body: Buffer.from(body as string), type: TYPES[extension] ?? 'text/plain; charset=utf-8' };
}

/**
 * Serves a file as Go's `http.ServeContent` does: ranges, and a 304 only where there is a Last-Modified. Embedded files
 * have no modification time, so there is no validator at all: an If-Range never holds, and the whole file goes out.
 */
export function serveFile(visit: Visit, file: StaticFile, headers: OutgoingHttpHeaders, lastModified?: Date) {
  const { body, type } = file;
  const out: OutgoingHttpHeaders = { 'content-type': type, 'accept-ranges': 'bytes', ...headers };
  if (lastModified) {
    out['last-modified'] = lastModified.toUTCString();
    const since = Date.parse(visit.header('if-modified-since'));
    if (since >= Math.floor(lastModified.getTime() / 1000) * 1000) return visit.send(304, withoutType(out));
  }
  const ranges = visit.header('if-range') === '' ? /^bytes=(\d*)-(\d*)$/.exec(visit.header('range')) : null;
  // Several ranges in one request get the whole file, which RFC 9110 section 14.2 allows.
  if (!ranges || (ranges[1] === '' && ranges[2] === '')) return visit.send(200, out, body);
  const first = ranges[1] === '' ? Math.max(0, body.length - Number(ranges[2])) : Number(ranges[1]);
  const last = ranges[1] === '' || ranges[2] === '' ? body.length - 1 : Math.min(Number(ranges[2]), body.length - 1);
  if (first > last || first >= body.length) {
    return visit.error(416, 'invalid range: failed to overlap', { 'content-range': `bytes */${body.length}` });
  }
  const part = { ...out, 'content-range': `bytes ${first}-${last}/${body.length}` };
  visit.send(206, part, body.subarray(first, last + 1));
}

function withoutType({ 'content-type': _, ...headers }: OutgoingHttpHeaders): OutgoingHttpHeaders {
  return headers;
}
