/** One stream of a connection: the client's side of an exchange. */

import type { DownstreamStream, Fields } from '../../../core/raw.ts';
import { Once, unsayable } from '../../../http2/field-rules.ts';
import { FrameMessage, type StreamOwner } from '../../../http2/message.ts';

/** One stream of a client. */
export class FrameStream extends FrameMessage implements DownstreamStream {
  readonly ended: boolean;
  onClosed: (() => void) | undefined;
  responded = false;
  /** When it was opened, in milliseconds. */
  readonly opened: number;

  constructor(
    id: number,
    owner: StreamOwner,
    settings: {
      readonly ended: boolean;
      readonly contentLength: string | undefined;
      readonly sendWindow: number;
      readonly receiveWindow: number;
      readonly now: number;
    },
  ) {
    super(id, owner, { ...settings, patient: false });
    this.ended = settings.ended;
    this.opened = settings.now;
  }

  inform(status: number, fields: Fields): void {
    if (this.over || this.responded || unsayable(fields, Once.ANSWER) !== undefined) return;
    this.owner.sender.head(this.id, status, fields, false);
  }

  respond(status: number, fields: Fields, ended: boolean): void {
    if (this.#begin(status, fields, ended) && ended) this.endedWithHead();
  }

  respondWhole(status: number, fields: Fields, body: readonly Uint8Array[]): void {
    if (this.#begin(status, fields, false)) this.writeWhole(body);
  }

  /** Unanswered, and opened less than so many milliseconds ago: the work for it was for nothing. */
  young(now: number, ms: number): boolean {
    return !this.responded && now - this.opened < ms;
  }

  protected override closed(): void {
    this.onClosed?.();
  }

  /** Sends the head; false where nobody wants it any more. */
  #begin(status: number, fields: Fields, ended: boolean): boolean {
    if (this.over) return false;
    if (this.responded) throw new Error('the head of the answer was sent before');
    const wrong = unsayable(fields, Once.ANSWER);
    if (wrong !== undefined) throw new Error(wrong);
    this.responded = true;
    this.owner.sender.head(this.id, status, fields, ended);
    return true;
  }
}
