/** What a certificate authority says when it does not do what it was asked: RFC 7807, RFC 8555 section 6.7. */

const PREFIX = 'urn:ietf:params:acme:error:';
/** So much of what it says goes into messages, in characters. */
const MAX_TEXT = 500;

/** A refusal; its message is for people. */
export class AcmeProblem extends Error {
  override readonly name = 'AcmeProblem';
  /** Such as `rateLimited`, or the whole URN of one that is not of ACME. */
  readonly kind: string;
  readonly status: number;
  /** When to ask again at the earliest, in milliseconds from the answer on. */
  readonly retryAfterMs: number | undefined;

  constructor(kind: string, message: string, status: number, retryAfterMs?: number) {
    super(message);
    this.kind = kind;
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

interface ProblemDocument {
  readonly type?: unknown;
  readonly detail?: unknown;
  readonly subproblems?: unknown;
  readonly identifier?: { readonly value?: unknown };
}

/** Reads the problem out of a parsed document; anything at all is taken. `asked` says what for. */
export function problemOf(document: unknown, asked: string, status: number, retryAfterMs?: number): AcmeProblem {
  const { type, detail, subproblems } = (Object(document) ?? {}) as ProblemDocument;
  const kind = typeof type === 'string' ? type.replace(PREFIX, '') : 'unknown';
  const below = (Array.isArray(subproblems) ? subproblems : [])
    .slice(0, 10)
    .map((one: ProblemDocument) => `${text(one?.identifier?.value)}: ${text(one?.detail)}`);
  const said = [text(detail), ...below].filter((one) => one !== '').join('; ');
  const message = `${asked}: ${kind}${said === '' ? ` (status ${status})` : `: ${said}`}`;
  return new AcmeProblem(kind, message.slice(0, MAX_TEXT), status, retryAfterMs);
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
