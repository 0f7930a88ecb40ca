/**
 * The key that TLS tickets are encrypted with: another one for each period. Node 26 holds one at a time, so whoever comes
 * back with a ticket of the period before makes a full handshake, and that is all it costs. With a secret that replicas
 * share all of them have the same key at the same time, without a word between them.
 */

import { hkdfSync, randomBytes } from 'node:crypto';
import type { Clock } from '../core/clock.ts';

/** Bytes of a key as Node takes it: its name, a key for HMAC and one for AES. */
const KEY_BYTES = 48;
/** A secret has so many bytes. */
const MIN_SECRET_BYTES = 32;
const MAX_SECRET_BYTES = 4096;
/** A secret has at least so many different bytes: 32 random ones have about 30, a line of hexadecimal digits 16. */
const MIN_DIFFERENT = 8;

/** How keys are made, and who takes them. */
export interface TicketKeysOptions {
  readonly clock: Clock;
  /** How long a key is used, in milliseconds. */
  readonly rotateMs: number;
  /** What replicas share; keys are random where it is not given. */
  readonly secret?: Uint8Array | undefined;
  /** Takes the next key. */
  onKey(key: Buffer): void;
}

/** The bytes of a file of a secret; throws where they are none, with what was expected. */
export function ticketSecret(bytes: Buffer, source: string): Buffer {
  // Whoever writes it with an editor ends the line.
  const secret = bytes.at(-1) === 0x0a ? bytes.subarray(0, -1) : bytes;
  if (secret.length < MIN_SECRET_BYTES || secret.length > MAX_SECRET_BYTES) {
    throw new Error(
      `${source}: has ${secret.length} bytes, expected ${MIN_SECRET_BYTES} to ${MAX_SECRET_BYTES} random ones: openssl rand -base64 48`,
    );
  }
  if (new Set(secret).size < MIN_DIFFERENT) {
    throw new Error(`${source}: is not random, expected a secret such as openssl rand -base64 48 makes`);
  }
  return secret;
}

/** The key of a period: whoever knows the secret has the same. */
export function ticketKey(secret: Uint8Array, period: number, rotateMs: number): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', `gatehouse tls tickets ${rotateMs} ${period}`, KEY_BYTES));
}

/** The key in use, followed by the next one when its time is over. */
export class TicketKeys implements Disposable {
  readonly #options: TicketKeysOptions;
  #secret: Uint8Array | undefined;
  #current: Buffer;
  #cancel: () => void = () => {};

  constructor(options: TicketKeysOptions) {
    this.#options = options;
    this.#secret = options.secret;
    this.#current = this.#make();
    this.#wait();
  }

  /** 48 bytes. */
  get current(): Buffer {
    return this.#current;
  }

  /** Another secret counts from now on. */
  useSecret(secret: Uint8Array): void {
    this.#secret = secret;
    this.#next();
  }

  [Symbol.dispose](): void {
    this.#cancel();
  }

  #make(): Buffer {
    const { clock, rotateMs } = this.#options;
    if (this.#secret === undefined) return randomBytes(KEY_BYTES);
    return ticketKey(this.#secret, Math.floor(clock.wall() / rotateMs), rotateMs);
  }

  #next(): void {
    this.#current = this.#make();
    this.#options.onKey(this.#current);
  }

  /** Until the end of the period, which is the same moment for all. */
  #wait(): void {
    const { clock, rotateMs } = this.#options;
    this.#cancel = clock.after(rotateMs - (clock.wall() % rotateMs), () => {
      this.#next();
      this.#wait();
    });
  }
}
