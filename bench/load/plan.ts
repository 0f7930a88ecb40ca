/** What a generator is given to do: plain data, so that it can be sent to a thread. */

/** How an answer says whether the call succeeded. */
export type AnswerForm = 'http' | 'grpc' | 'grpc-web' | 'grpc-web-text' | 'connect';

/** What makes an answer right. Anything else is an error, however fast it came. */
export interface Expectation {
  readonly form: AnswerForm;
  /** HTTP statuses that are right. */
  readonly statuses: readonly number[];
  /** The `grpc-status` that is right, for the three forms of gRPC. */
  readonly grpcStatus: string;
  /** Messages of the answer; undefined: any number. */
  readonly messages: number | undefined;
  /** SHA-256, hex, of the body without its content coding; undefined where bodies differ from answer to answer. */
  readonly digest: string | undefined;
}

/** A request as it is sent. */
export interface PlannedRequest {
  readonly name: string;
  /** How often it is picked, against the other requests of the plan. */
  readonly weight: number;
  /** How long whoever sent it waits after its answer, on average, in milliseconds; closed loop only. */
  readonly thinkMs: number;
  readonly method: string;
  /** `{n}` in it is replaced by a number that no other request has. */
  readonly path: string;
  /** Names and values in turn, lower-case names, no pseudo-header fields. */
  readonly fields: readonly string[];
  readonly body: Uint8Array | undefined;
  readonly expectation: Expectation;
}

/** Where to. */
export interface Target {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  /** `:authority`, Host and, without the port, the server name of TLS. */
  readonly authority: string;
  readonly protocol: 'h2' | 'http/1.1';
  /** Whether the certificate must be one that this machine trusts. */
  readonly verify: boolean;
  /** The only TLS that is offered, so that servers with other preferences have the same; undefined: what Node offers. */
  readonly offer?: { readonly ciphers: string; readonly groups: string };
}

/** How connections are used. */
export interface Lines {
  readonly connections: number;
  /** Requests at once on each; 1 over HTTP/1.1. */
  readonly streams: number;
  /** A connection ends after so many requests; 0: it stays. */
  readonly requestsPerConnection: number;
  /** New connections resume the TLS session of the one before. One that cannot is an error. */
  readonly resume: boolean;
  /** Connections that are opened beside, asked for one answer, and held. */
  readonly idle: number;
}

/** Requests a second, from the begin to the end of what is measured; warm-up is at the first. */
export interface Rate {
  readonly from: number;
  readonly to: number;
  /** Which share it is of what the closed loop reached, where it was given as one. */
  readonly share?: number;
}

/** One measurement by one generator. */
export interface Plan {
  readonly target: Target;
  readonly lines: Lines;
  readonly requests: readonly PlannedRequest[];
  /** Undefined: closed loop, where the next request waits for the answer to the one before. */
  readonly rate: Rate | undefined;
  readonly warmUpMs: number;
  readonly durationMs: number;
  /** An answer that takes longer is an error. */
  readonly timeoutMs: number;
  /** Waits for the next send without sleeping: exact, and the thread's core is busy. */
  readonly spin: boolean;
  /** For the picks and think times: the same seed, the same order. */
  readonly seed: number;
}
