import { decodeLeniently, SecretNames } from './secret-names.ts';

/** What stands where a secret stood. */
export const REDACTED = '[redacted]';

/** Takes secrets out of what a log will hold. */
export interface Redactor {
  /**
   * A request target or URL: values of secret names in every query (also in one inside a value, encoded or not, and in
   * path parameters), the fragment, and the userinfo of an authority. No part of a path of ZITADEL is known to be a
   * secret by its place; ids stay readable.
   */
  target(target: string): string;
  /** `:authority` or Host; userinfo does not belong there (RFC 9110 section 4.2.4) but a client may send it. */
  authority(authority: string): string;
  /** Free text, as messages of errors are: `name=value`, `"name": "value"`, credentials, URLs. */
  text(text: string): string;
}

/** Where a JSON Web Token may stand, whatever its name; RFC 7519 section 3: its first part begins with `{"`. */
const TOKEN_RUN = /[A-Za-z0-9_.-]{12,}/g;

function withoutTokens(text: string): string {
  if (!text.includes('eyJ')) return text;
  return text.replace(TOKEN_RUN, (run) => {
    const start = run.indexOf('eyJ');
    return start >= 0 && run.includes('.', start) ? run.slice(0, start) + REDACTED : run;
  });
}

const USERINFO = /^([a-z][a-z0-9+.-]*:)?([/\\]{2})[^/\\?#]*@/i;
const USERINFO_ANYWHERE = /([/\\]{2})[^\s/\\?#"'<>]*@/g;
const CREDENTIALS = /\b(Bearer|Basic|DPoP|Negotiate|Digest)\s+[^\s"',;]{4,}/gi;
const SECRET_FIELD = /\b((?:proxy-)?authorization|(?:set-)?cookie)(["']?\s*[:=]\s*)[^\r\n]*/gi;
const PAIR = /([A-Za-z0-9_.%[\]-]{1,100})(=|%(?:25)*3d)([^\s&"'<>]+)/gi;
/** Numbers, HTTP/2 codes and system errors: `code=8` and `code=ECONNRESET` in a message are what is looked for there. */
const HARMLESS = /^(?:\d{1,3}|0x[0-9a-f]{1,8}|E[A-Z0-9_]{2,40})[.:;)]*$/;
const JSON_PAIR = /"([^"\\]{1,100})"(\s*:\s*)("(?:[^"\\]|\\.)*"?|[^\s,{}[\]"]+)/g;

/** So deep may a URL stand in a value of a URL and still be read; what is deeper is taken out whole. */
const MAX_DEPTH = 4;

function encode(text: string): string {
  try {
    return encodeURIComponent(text).replaceAll('%5Bredacted%5D', REDACTED);
  } catch {
    return REDACTED; // a lone surrogate
  }
}

/** A redactor that knows the names of `SECRET_NAMES` and those in `names`, in any spelling. */
export function createRedactor(options: { names?: readonly string[] } = {}): Redactor {
  const secrets = new SecretNames(options.names);

  /** A value that is not secret by its name: a URL with secrets of its own may stand in it. */
  function value(text: string, depth: number): string {
    let kept = withoutTokens(text);
    if (kept.includes('@')) kept = kept.replace(USERINFO_ANYWHERE, `$1${REDACTED}@`);
    if (!kept.includes('%')) return kept;
    const decoded = decodeLeniently(kept);
    if (decoded === kept || !/[%=@#]|":|eyJ/.test(decoded)) return kept;
    if (depth >= MAX_DEPTH) return REDACTED;
    const inner = url(decoded, depth + 1);
    return inner === decoded ? kept : encode(inner);
  }

  /** What stands between two `&`. A secret reaches to the end of it: not every server ends a value at `;` or `?`. */
  function piece(text: string, more: string | undefined, depth: number): string {
    let out = '';
    for (let start = 0; start <= text.length; ) {
      let end = start;
      while (end < text.length && text[end] !== ';' && text[end] !== '?') end += 1;
      const equals = text.indexOf('=', start);
      if (equals >= start && equals < end) {
        const name = text.slice(start, equals);
        if (secrets.has(name) || (more !== undefined && decodeLeniently(name) === more))
          return equals + 1 < text.length ? `${out}${value(name, depth)}=${REDACTED}` : out + text.slice(start);
        out += `${value(name, depth)}=${value(text.slice(equals + 1, end), depth)}`;
      } else out += value(text.slice(start, end), depth);
      if (end < text.length) out += text[end];
      start = end + 1;
    }
    return out;
  }

  function url(text: string, depth: number): string {
    const hash = text.indexOf('#');
    if (hash < 0) return beforeFragment(text, depth);
    // A fragment never belongs into a request; the implicit flow puts tokens there (RFC 6749 section 4.2.2).
    const fragment = hash + 1 < text.length ? `#${REDACTED}` : '#';
    return beforeFragment(text.slice(0, hash), depth) + fragment;
  }

  function beforeFragment(text: string, depth: number): string {
    let kept = text;
    if (kept.includes('@')) kept = kept.replace(USERINFO, `$1$2${REDACTED}@`);
    if (kept.includes('":')) kept = kept.replace(JSON_PAIR, jsonPair);
    if (!/[=%]|eyJ/.test(kept)) return kept;
    const query = kept.indexOf('?');
    // The id of an authorization request stands under a plain name where login pages return to: `/…/callback?id=`.
    const more = query >= 0 && /\/callback\/?$/i.test(kept.slice(0, query)) ? 'id' : undefined;
    if (!kept.includes('&')) return piece(kept, more, depth);
    return kept
      .split('&')
      .map((part) => piece(part, more, depth))
      .join('&');
  }

  function jsonPair(whole: string, name: string, colon: string): string {
    return secrets.has(name) ? `"${name}"${colon}"${REDACTED}"` : whole;
  }

  return {
    target: (target) => (/[?#;@%=]|eyJ/.test(target) ? url(target, 0) : target),
    authority(authority) {
      const at = authority.lastIndexOf('@');
      return at < 0 ? authority : `${REDACTED}${authority.slice(at)}`;
    },
    text: (text) =>
      withoutTokens(text)
        .replace(SECRET_FIELD, `$1$2${REDACTED}`)
        .replace(CREDENTIALS, `$1 ${REDACTED}`)
        .replace(USERINFO_ANYWHERE, `$1${REDACTED}@`)
        .replace(JSON_PAIR, jsonPair)
        .replace(PAIR, (whole, name: string, equals: string, said: string) =>
          secrets.has(name) && !HARMLESS.test(said) ? `${name}${equals}${REDACTED}` : whole,
        ),
  };
}
