/** What the bench measures: a deployment, or the gateway that it starts before the stand-in, alone or among peers. */

import type { Rival, Rivals } from '../stage/rivals.ts';
import type { BenchOptions } from './options.ts';
import { fromMetrics, fromProc, type VitalSigns, withProc } from './vitals.ts';

/** What is measured, and what of it is ours to know. */
export interface Subject extends AsyncDisposable {
  readonly url: string;
  readonly direct: string | undefined;
  readonly vitals: VitalSigns | undefined;
  readonly insecure: boolean;
  readonly standIn: boolean;
  readonly pinned: boolean;
  readonly loadAlone: boolean;
  /** Peers that run beside it. Undefined: nobody asked for any. */
  readonly rivals: { readonly running: readonly Rival[]; readonly absent: Rivals['absent'] } | undefined;
}

/** Starts what has to be started. Throws what is wrong with the options, or does not start. */
export async function subjectOf(options: BenchOptions): Promise<Subject> {
  const { target, direct, metrics, pid, insecure, vs, accessLog, nodeFlags } = options;
  const token = process.env.GATEHOUSE_ADMIN_TOKEN;
  if (target !== undefined) {
    if (direct === 'stand-in') throw new Error('--direct: the stand-in runs without --target only');
    const vitals = metrics !== undefined ? fromMetrics(metrics, token) : pid !== undefined ? fromProc(pid) : undefined;
    // A mistake in an address is told now, and not by dashes in a table.
    if (vitals !== undefined) await vitals();
    const known = { url: target, direct, vitals, insecure, standIn: false, pinned: false, loadAlone: true };
    return { ...known, rivals: undefined, async [Symbol.asyncDispose]() {} };
  }
  const { startGround } = await import('../stage/ground.ts').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new Error('--target URL is needed: the stand-in for ZITADEL is not in the container');
  });
  const { peersOf } = await import('../peers/index.ts');
  const { startRivals } = await import('../stage/rivals.ts');
  const peers = peersOf(vs);
  await using stack = new AsyncDisposableStack();
  const ground = stack.use(await startGround({ accessLog: accessLog ?? vs.length === 0, flags: () => nodeFlags }));
  const signs = fromMetrics(ground.metricsUrl, undefined);
  const rivals = vs.length === 0 ? undefined : stack.use(await startRivals(peers, ground, accessLog ?? false));
  const held = stack.move();
  return {
    url: ground.url,
    direct: direct === 'stand-in' ? ground.standInUrl : direct,
    // Peers have nothing but /proc: what is compared comes from one source.
    vitals: rivals === undefined ? signs : withProc(signs, ground.gatewayPid),
    insecure: true,
    standIn: true,
    pinned: ground.cores !== undefined,
    loadAlone: ground.cores?.loadAlone ?? false,
    rivals,
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}
