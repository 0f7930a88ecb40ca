/** The contract with whoever knows names: DNS, or the system. */

/** An address family as Node numbers it. */
export type Family = 4 | 6;

/** An address of a name: what an A or AAAA record says. */
export interface AddressRecord {
  readonly address: string;
  /** How long it holds, in seconds; undefined where nobody says. */
  readonly ttlS: number | undefined;
}

/** A SRV record, RFC 2782. */
export interface ServiceRecord {
  /** Empty or `.` where the service is decidedly not offered. */
  readonly target: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

/** Answers questions; one object for one round of questions. */
export interface NameService {
  /** The records of a name, at least one; rejects with a NameError. */
  addresses(name: string, family: Family): Promise<readonly AddressRecord[]>;
  services(name: string): Promise<readonly ServiceRecord[]>;
  /** Gives up what is still asked: it rejects. */
  cancel(): void;
}

/** There is no answer to go by. */
export class NameError extends Error {
  /** It was said that there is no such record; else nobody could say. */
  readonly negative: boolean;

  constructor(message: string, negative: boolean) {
    super(message);
    this.name = 'NameError';
    this.negative = negative;
  }
}
