/** The admin listener as the config says it; a reload may put it elsewhere, or let others in. */

import type { AddressInfo } from 'node:net';
import type { AdminServer } from '../admin/server.ts';
import type { Config } from '../config/schema.ts';

/** How long answers of one that is gone from the config may still take, in milliseconds. */
const LEAVE_MS = 5000;

/** Who may come. */
type Admitted = Parameters<AdminServer['admit']>[0];

/** How an admin listener is made, and who hears where it is. */
export interface AdminListenerOptions {
  /** Makes one for this config, not yet bound. */
  make(config: Config): AdminServer;
  /** It is bound. */
  onListening(address: AddressInfo): void;
}

/** An admin listener that is bound, and in use when it is committed. */
export interface PreparedAdmin {
  commit(): void;
  abandon(): void;
}

/** The admin listener over reloads; there is none where the config has none. */
export class AdminListener {
  readonly #options: AdminListenerOptions;
  #server: AdminServer | undefined;
  #address: string | undefined;

  constructor(options: AdminListenerOptions) {
    this.#options = options;
  }

  /** Binds what has another address than before; rejects, and nothing has changed, where that cannot be. */
  async prepare(config: Config): Promise<PreparedAdmin> {
    const { enabled, address: configured } = config.admin;
    const address = enabled ? configured : undefined;
    const before = this.#server;
    if (address === this.#address) {
      return { commit: () => before?.admit(admittedBy(config)), abandon() {} };
    }
    const next = address === undefined ? undefined : this.#options.make(config);
    const bound = await next?.listen();
    return {
      commit: () => {
        this.#server = next;
        this.#address = address;
        if (bound !== undefined) this.#options.onListening(bound);
        void before?.close(LEAVE_MS);
      },
      abandon: () => void next?.close(0),
    };
  }

  /** Waits so many milliseconds for answers that are being made. */
  async close(deadlineMs: number): Promise<void> {
    await this.#server?.close(deadlineMs);
  }
}

/** Who may come, as the config says it. */
export function admittedBy({ admin, hosts }: Config): Admitted {
  return { token: admin.token, metricsAllow: admin.metrics_allow, hosts };
}
