import { randomInt } from 'node:crypto';

/** A check of secrets that failed, by the name or id it was about. */
export type Attempts = Map<string, number>;

/** One session of the session service. */
export interface SessionEntry {
  readonly id: string;
  readonly createdAt: Date;
  changedAt: Date;
  token: string;
  loginName: string;
  passwordAt: Date | undefined;
}

/** A user that the stand-in knows. */
export interface UserEntry {
  readonly id: string;
  readonly loginName: string;
  readonly givenName: string;
  readonly familyName: string;
  readonly email: string;
  readonly password: string;
}

/** The users from the start. */
export const USERS: readonly UserEntry[] = [
  {
    id: '163840776835432705',
    loginName: 'zitadel-admin@zitadel.localhost',
    givenName: 'ZITADEL',
    familyName: 'Admin',
    email: 'admin@zitadel.localhost',
    password: 'Password1!',
  },
  {
    id: '163840776835432706',
    loginName: 'road-runner@acme.localhost',
    givenName: 'Road',
    familyName: 'Runner',
    email: 'road.runner@acme.localhost',
    password: 'Password1!',
  },
];

/** The organization, project and instance that everything belongs to. */
export const IDS = {
  instance: '163840776801878273',
  organization: '163840776835432449',
  project: '163840776835432961',
} as const;

/** What the stand-in remembers between requests; one per stand-in. */
export class State {
  readonly now: () => Date;
  readonly sessions = new Map<string, SessionEntry>();
  /** Wrong passwords and codes so far, by login name. */
  readonly wrongAttempts: Attempts = new Map();
  #ids = 0n;

  constructor(now: () => Date) {
    this.now = now;
  }

  /** A new id of 18 digits, as sonyflake makes them. */
  newId(): string {
    this.#ids += 1n;
    return (163_840_800_000_000_000n + this.#ids * 65_536n + BigInt(randomInt(65_536))).toString();
  }

  userByName(name: string): UserEntry | undefined {
    return USERS.find((user) => user.loginName === name || user.email === name);
  }

  userById(id: string): UserEntry | undefined {
    return USERS.find((user) => user.id === id);
  }

  /** Whether the password is right; a wrong one is counted. */
  checkPassword(loginName: string, password: string): boolean {
    if (this.userByName(loginName)?.password === password) return true;
    this.wrongAttempts.set(loginName, (this.wrongAttempts.get(loginName) ?? 0) + 1);
    return false;
  }
}
