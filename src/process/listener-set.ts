/** The listeners of one thread. A reload puts others in their place; those that did not change are not touched. */

import type { Duplex } from 'node:stream';
import type { Config } from '../config/schema.ts';
import type { Clock } from '../core/clock.ts';
import type { RawReply, RawRequest } from '../core/raw.ts';
import type { Generation } from '../gateway/generation.ts';
import type { Challenges } from '../transport/acme/challenges.ts';
import type { Listener, RequestSink } from '../transport/listener.ts';
import type { TlsSettings } from '../transport/tls.ts';
import { type ListenerContext, type MadeListener, makeListener, originOf } from './listeners.ts';

/** What the listeners of a thread have in common. */
export interface ListenerSetOptions extends Omit<ListenerContext, 'limits' | 'tls' | 'sink'> {
  readonly clock: Clock;
  /** What certificate authorities ask. */
  readonly challenges: Challenges;
  /** The generation in force. */
  generation(): Generation;
}

/** Listeners that are made and do not serve yet. */
export interface PreparedListeners {
  /** Binds those that have no socket; rejects, with all closed again, where one cannot be had. */
  bind(): Promise<void>;
  /**
   * They serve from now on. Resolves when no connection is left of those whose name is gone from the config: until then
   * the generation before, which knows the name, serves them.
   */
  commit(): Promise<void>;
  /** They are not wanted. */
  abandon(): void;
}

/** A listener with the generation that its connections are left to, where no later one knows its name. */
interface Member {
  readonly made: MadeListener;
  readonly pin: { generation: Generation | undefined };
}

/** The listeners of one thread, over reloads. */
export class ListenerSet {
  readonly #options: ListenerSetOptions;
  #members: readonly Member[] = [];
  /** They accept no more, and their connections are going. */
  readonly #leaving = new Set<Listener>();
  #ticketKey: Buffer | undefined;
  #faded = false;

  constructor(options: ListenerSetOptions) {
    this.#options = options;
  }

  get current(): readonly MadeListener[] {
    return this.#members.map(({ made }) => made);
  }

  /** Makes what has changed; throws, and nothing has changed, where OpenSSL does not take a certificate. */
  prepare({ listeners, limits, shutdown }: Config, tls: ReadonlyMap<string, TlsSettings>): PreparedListeners {
    const next: Member[] = [];
    const fresh: MadeListener[] = [];
    const kept = new Set<Listener>();
    for (const config of listeners) {
      const from = originOf(config, limits);
      const same = this.#members.find(({ made }) => made.from.own === from.own && made.from.limits === from.limits);
      const pin = same?.pin ?? { generation: undefined };
      const made = same
        ? { ...same.made, config }
        : makeListener(config, { ...this.#options, limits, tls: tls.get(config.name), sink: this.#sink(pin) });
      next.push({ made, pin });
      if (same) kept.add(made.listener);
      else fresh.push(made);
    }
    const left = this.#members.filter(({ made }) => !kept.has(made.listener));
    const sockets = donors(fresh, left);
    const unbound = fresh.filter(({ listener }) => !sockets.has(listener));
    const abandon = (): void => {
      for (const { listener } of fresh) listener.destroy();
    };
    return {
      abandon,
      bind: async () => {
        try {
          for (const { listener } of unbound) await listener.listen();
        } catch (error) {
          abandon();
          throw error;
        }
      },
      commit: async () => {
        for (const { listener } of fresh) {
          if (this.#ticketKey !== undefined) listener.setTicketKeys(this.#ticketKey);
          listener.fade(this.#faded);
          const donor = sockets.get(listener);
          if (donor?.address !== undefined) listener.takeSocket(donor);
        }
        this.#members = next;
        await Promise.all(left.map((member) => this.#retire(member, limits, shutdown.timeout_ms)));
      },
    };
  }

  /** The key that all threads encrypt TLS tickets with: 48 bytes. */
  setTicketKeys(key: Buffer): void {
    this.#ticketKey = key;
    for (const { listener } of this.current) listener.setTicketKeys(key);
  }

  /** Uses other certificates for these listeners from the next handshake on; throws where OpenSSL does not take them. */
  useTls(settings: ReadonlyMap<string, TlsSettings>): void {
    for (const { listener } of this.current) {
      const next = settings.get(listener.name);
      if (next !== undefined) listener.useTls(next);
    }
  }

  /** Whether answers over HTTP/1.1 say that their connection is closed. */
  fade(faded: boolean): void {
    this.#faded = faded;
    for (const { listener } of this.current) listener.fade(faded);
  }

  /** Stops accepting, and tells all clients to go, see `Listener.drain`; resolves when the last has gone. */
  async drain(quietMs: number): Promise<void> {
    await Promise.all(this.#all().map((listener) => listener.drain(quietMs)));
  }

  /** Cuts everything at once. */
  destroy(): void {
    for (const listener of this.#all()) listener.destroy();
  }

  #all(): Listener[] {
    return [...this.current.map(({ listener }) => listener), ...this.#leaving];
  }

  /** Resolves at once where the next generations know its name. */
  async #retire({ made, pin }: Member, limits: Config['limits'], timeoutMs: number): Promise<void> {
    const { listener, from, config } = made;
    const now = this.current.find(({ config: { name } }) => name === config.name);
    const gone = listener.retire();
    this.#leaving.add(listener);
    // What only `limits` say anew holds for new connections. Who may connect, and how, holds for all.
    const onlyLimits = now?.from.own === from.own && now.from.limits === originOf(config, limits).limits;
    const cancel = onlyLimits ? () => {} : this.#options.clock.after(timeoutMs, () => listener.destroy());
    const left = gone.then(() => {
      cancel();
      this.#leaving.delete(listener);
    });
    if (now !== undefined) return;
    pin.generation = this.#options.generation();
    await left;
  }

  /** An exchange keeps the generation that it began with. */
  #sink(pin: Member['pin']): RequestSink {
    const { generation, challenges } = this.#options;
    const serving = (): Generation => pin.generation ?? generation();
    return {
      request: (request: RawRequest, reply: RawReply) => {
        // Before everything else: whoever asks is a certificate authority, for whatever host.
        if (!challenges.answer(request, reply)) serving().handle(request, reply);
      },
      wantsUpgrade: (request: RawRequest) => serving().wantsUpgrade(request),
      upgrade: (request: RawRequest, socket: Duplex, head: Buffer) => serving().upgrade(request, socket, head),
    };
  }
}

/** Whose socket a new listener takes over: that of its name where the address is the same, else one of the same address. */
function donors(fresh: readonly MadeListener[], left: readonly Member[]): Map<Listener, Listener> {
  const taken = new Map<Listener, Listener>();
  const free = new Set(left.map(({ made }) => made));
  const take = (fits: (one: MadeListener, other: MadeListener) => boolean): void => {
    for (const made of fresh) {
      const donor = taken.has(made.listener) ? undefined : [...free].find((one) => fits(one, made));
      if (donor === undefined) continue;
      free.delete(donor);
      taken.set(made.listener, donor.listener);
    }
  };
  const sameAddress = (one: MadeListener, other: MadeListener): boolean => one.config.address === other.config.address;
  take((one, other) => sameAddress(one, other) && one.config.name === other.config.name);
  // Port 0 stands for another one each time.
  take((one, other) => sameAddress(one, other) && !/:0$/.test(one.config.address));
  return taken;
}
