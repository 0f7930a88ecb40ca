/** What the config says of the health of an upstream's endpoints; times in milliseconds. */

/** How endpoints are asked whether they are ready. */
export interface CheckSettings {
  readonly type: 'http' | 'grpc' | 'tcp' | 'none';
  /** `http`: what is asked for. */
  readonly path: string;
  /** Host of the request, `:authority` over HTTP/2. */
  readonly host: string;
  /** `http`: the statuses that say ready. */
  readonly statuses: readonly number[];
  /** `grpc`: the service that is asked about; empty for the whole server. */
  readonly service: string;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Checks in a row that make an unhealthy endpoint healthy. */
  readonly healthyAfter: number;
  /** Checks in a row that make a healthy endpoint unhealthy. */
  readonly unhealthyAfter: number;
}

/** What is concluded from the answers to clients. */
export interface PassiveSettings {
  /** Failures in a row that eject; 0 for no limit. */
  readonly consecutiveFailures: number;
  readonly successRate: {
    /** How long is counted before endpoints are compared; 0 where they are not. */
    readonly windowMs: number;
    /** An endpoint with fewer answers in a window is not compared. */
    readonly minRequests: number;
    /** How many standard deviations below the others an endpoint must be. */
    readonly stdevFactor: number;
  };
  /** The first ejection; each further one is twice as long. */
  readonly ejectMs: number;
  readonly maxEjectMs: number;
  readonly maxEjectedPercent: number;
}

/** All that the config says of health. */
export interface HealthSettings {
  readonly check: CheckSettings;
  readonly passive: PassiveSettings;
  /** With a smaller share of usable endpoints, all are used. */
  readonly panicThresholdPercent: number;
}

/** No checks and no ejections: every endpoint is used. */
export const NO_HEALTH: HealthSettings = {
  check: {
    type: 'none',
    path: '/',
    host: 'localhost',
    statuses: [200],
    service: '',
    intervalMs: 2000,
    timeoutMs: 1000,
    healthyAfter: 1,
    unhealthyAfter: 2,
  },
  passive: {
    consecutiveFailures: 0,
    successRate: { windowMs: 0, minRequests: 1, stdevFactor: 3 },
    ejectMs: 10_000,
    maxEjectMs: 300_000,
    maxEjectedPercent: 0,
  },
  panicThresholdPercent: 0,
};
