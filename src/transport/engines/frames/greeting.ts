/** What a server says first, RFC 9113 section 3.4. */

import type { Outbox } from '../../../http2/outbox.ts';
import { SettingId } from '../../../http2/protocol.ts';
import { announce } from '../../../http2/settings.ts';
import type { EngineLimits } from '../engine.ts';

/** Our SETTINGS, and the window of the connection. RFC 8441 is not offered: WebSocket comes over HTTP/1.1. */
export function greet(outbox: Outbox, limits: EngineLimits): void {
  const settings = [
    [SettingId.ENABLE_PUSH, 0],
    [SettingId.MAX_CONCURRENT_STREAMS, limits.maxConcurrentStreams],
    [SettingId.INITIAL_WINDOW_SIZE, limits.streamWindowBytes],
    [SettingId.MAX_HEADER_LIST_SIZE, limits.maxHeaderBytes + limits.maxUrlBytes],
  ] as const;
  announce(outbox, settings, limits.connectionWindowBytes);
}
