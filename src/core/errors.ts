/** A failure as it travels: a code of the catalogue, and what is known beside it. */

import { CATALOGUE, type ErrorCode, type ErrorRow } from './catalogue.ts';

/**
 * A rate limit as a refused caller is told of it (draft-ietf-httpapi-ratelimit-headers): so many in a window, how many
 * are left, and the seconds until all are there again.
 */
export interface Quota {
  /** The rule's name. */
  readonly rule: string;
  readonly quota: number;
  readonly windowS: number;
  readonly remaining: number;
  readonly resetS: number;
}

/** What may be known beside the code. */
export interface ErrorDetails {
  /** For the log only: which limit, which field, which endpoint. */
  detail?: string;
  /** Seconds for Retry-After. */
  retryAfterS?: number;
  /** For Allow of a 405. */
  allow?: readonly string[];
  /** The rule of the config that refused, for callers, log and metrics. */
  rule?: string;
  /** The limits that the request met, the one that refused last. */
  quotas?: readonly Quota[];
  /** `error` of OAuth endpoints, where the grant has one of its own. */
  oauth?: string;
  /** Further fields of the refusal. */
  fields?: Readonly<Record<string, string>>;
  cause?: unknown;
}

/** A failure that has a row in the catalogue. */
export class GatewayError extends Error {
  readonly code: ErrorCode;
  readonly row: ErrorRow;
  readonly detail: string | undefined;
  readonly retryAfterS: number | undefined;
  readonly allow: readonly string[] | undefined;
  readonly rule: string | undefined;
  readonly quotas: readonly Quota[];
  readonly oauth: string;
  readonly fields: Readonly<Record<string, string>> | undefined;

  constructor(code: ErrorCode, details: ErrorDetails = {}) {
    const row: ErrorRow = CATALOGUE[code];
    const { stackTraceLimit } = Error;
    // A refusal is no defect: its stack tells nobody anything, and costs most of making it.
    if (code !== 'DEFECT') Error.stackTraceLimit = 0;
    super(row.message, details.cause === undefined ? undefined : { cause: details.cause });
    Error.stackTraceLimit = stackTraceLimit;
    this.name = 'GatewayError';
    this.code = code;
    this.row = row;
    this.detail = details.detail;
    this.retryAfterS = details.retryAfterS ?? (row.http === 503 ? 1 : undefined);
    this.allow = details.allow;
    this.rule = details.rule;
    this.quotas = details.quotas ?? [];
    this.oauth = details.oauth ?? row.oauth;
    this.fields = details.fields;
  }

  /** The same, from anything that was thrown: what is not ours is a defect. */
  static from(thrown: unknown): GatewayError {
    if (thrown instanceof GatewayError) return thrown;
    return new GatewayError('DEFECT', {
      cause: thrown,
      detail: thrown instanceof Error ? thrown.message : String(thrown),
    });
  }
}
