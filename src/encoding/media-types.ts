/** Which media types are worth a coding. */

import { mediaType } from '../core/media-type.ts';

/** Written as `text/html`, `text/*` or `application/*+json`. */
export const MEDIA_TYPE_PATTERN = /^[a-z0-9!#$&^_.+-]+\/(?:\*|\*\+[a-z0-9!#$&^_.-]+|[a-z0-9!#$&^_.+-]+)$/;

/**
 * What shrinks. Not in it: pictures, video, woff2 and archives, which are compressed already, and
 * application/octet-stream, which may be anything.
 */
export const COMPRESSIBLE_TYPES: readonly string[] = [
  'text/*',
  'application/json',
  'application/*+json',
  'application/javascript',
  'application/x-javascript',
  'application/manifest+json',
  'application/xml',
  'application/*+xml',
  'application/yaml',
  'application/wasm',
  'application/x-ndjson',
  'application/vnd.ms-fontobject',
  'font/ttf',
  'font/otf',
  'font/collection',
  'image/svg+xml',
  'image/bmp',
  'image/x-icon',
  'image/vnd.microsoft.icon',
];

/**
 * Streams of messages: their peers decode frames, not bodies, or wait for each event. gRPC and Connect have codings of
 * their own inside of their frames.
 */
const NEVER = /^(?:application\/(?:grpc|connect\+)|text\/event-stream$|multipart\/)/;

/** What programs and style are made of, which answers nobody in particular: no secret stands in it. */
const STATIC =
  /^(?:text\/(?:css|javascript)|application\/(?:x-)?javascript|application\/wasm|application\/vnd\.ms-fontobject|font\/.*|image\/.*)$/;

/** What a content type is, as far as compression asks. */
export interface MediaTypeVerdict {
  readonly compressible: boolean;
  /** It may hold what belongs to one user: a page, a document of an API. */
  readonly document: boolean;
}

const NOTHING: MediaTypeVerdict = Object.freeze({ compressible: false, document: false });

/** How many content types are remembered; origins send few. */
const REMEMBERED = 256;
const MAX_LENGTH = 128;

/** Whether a media type, or a pattern that means some, is never coded. */
export function neverCoded(type: string): boolean {
  return NEVER.test(type);
}

/** A list of patterns, ready to be asked for each answer. */
export class MediaTypes {
  readonly #exact = new Set<string>();
  readonly #families: { readonly start: string; readonly end: string }[] = [];
  readonly #known = new Map<string, MediaTypeVerdict>();

  /** Each must fit MEDIA_TYPE_PATTERN. */
  constructor(patterns: readonly string[]) {
    for (const pattern of patterns) {
      const star = pattern.indexOf('*');
      if (star === -1) this.#exact.add(pattern);
      else this.#families.push({ start: pattern.slice(0, star), end: pattern.slice(star + 1) });
    }
  }

  /** Says what a Content-Type is; without one, and for one that is absurdly long, nothing is known of it. */
  of(contentType: string | undefined): MediaTypeVerdict {
    if (contentType === undefined || contentType.length > MAX_LENGTH) return NOTHING;
    const known = this.#known.get(contentType);
    if (known !== undefined) return known;
    const type = mediaType(contentType);
    const compressible =
      !neverCoded(type) &&
      (this.#exact.has(type) || this.#families.some(({ start, end }) => type.startsWith(start) && type.endsWith(end)));
    const verdict = compressible ? { compressible, document: !STATIC.test(type) } : NOTHING;
    if (this.#known.size >= REMEMBERED) this.#known.clear();
    this.#known.set(contentType, verdict);
    return verdict;
  }
}
