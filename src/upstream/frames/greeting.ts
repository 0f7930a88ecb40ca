/** What a client says first, RFC 9113 section 3.4. */

import type { Outbox } from '../../http2/outbox.ts';
import { PREFACE, SettingId } from '../../http2/protocol.ts';
import { announce } from '../../http2/settings.ts';
import type { PoolSettings } from '../pool.ts';

/** The preface, our SETTINGS, and the window of the session. */
export function greet(
  outbox: Outbox,
  {
    streamWindowBytes,
    sessionWindowBytes,
    maxAnswerHeaderBytes,
  }: Pick<PoolSettings, 'streamWindowBytes' | 'sessionWindowBytes' | 'maxAnswerHeaderBytes'>,
): void {
  outbox.preface(PREFACE);
  const settings = [
    [SettingId.ENABLE_PUSH, 0],
    [SettingId.INITIAL_WINDOW_SIZE, streamWindowBytes],
    [SettingId.MAX_HEADER_LIST_SIZE, maxAnswerHeaderBytes],
  ] as const;
  announce(outbox, settings, sessionWindowBytes);
}
