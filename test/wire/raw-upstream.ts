/** An upstream by hand behind a gateway, and requests by hand in front of it. */

import {
  Flag,
  type FramePeer,
  type FrameServer,
  FrameType,
  type Setting,
  startFrameServer,
} from '../support/h2-frames.ts';
import { Lookout } from '../support/lookout.ts';

type FieldList = readonly (readonly [string, string])[];

/** A gRPC call of ZITADEL as a client writes it. */
export const CALL: FieldList = [
  [':method', 'POST'],
  [':scheme', 'https'],
  [':authority', 'localhost'],
  [':path', '/zitadel.admin.v1.AdminService/Healthz'],
  ['content-type', 'application/grpc'],
  ['te', 'trailers'],
];

/** A plain HTTP request. */
export function plain(method: string, path = '/v2/users', more: FieldList = []): FieldList {
  return [[':method', method], [':scheme', 'https'], [':authority', 'localhost'], [':path', path], ...more];
}

export const GRPC_HEAD: FieldList = [
  [':status', '200'],
  ['content-type', 'application/grpc'],
];
/** An empty message. */
export const MESSAGE = '\0\0\0\0\0';

/** A request as the upstream has it. */
export class Arrived {
  readonly peer: FramePeer;
  readonly id: number;

  constructor(peer: FramePeer, id: number) {
    this.peer = peer;
    this.id = id;
  }

  head(fields: FieldList = [[':status', '200']], flags = 0): void {
    this.peer.headers(this.id, fields, flags);
  }

  data(payload: Buffer | string, flags = 0): void {
    this.peer.data(this.id, payload, flags);
  }

  trailers(fields: FieldList): void {
    this.peer.headers(this.id, fields, Flag.END_STREAM);
  }

  /** A whole small answer. */
  answer(): void {
    this.head([[':status', '200']]);
    this.data('ok', Flag.END_STREAM);
  }

  reset(code: number): void {
    this.peer.reset(this.id, code);
  }

  vanish(): void {
    this.peer.socket.resetAndDestroy();
  }

  /** Resolves with the frames of the request without the number of its stream, when it was ended or reset. */
  async finished(): Promise<string[]> {
    return (await this.peer.finished(this.id)).map(plainly);
  }

  /** The frames so far. */
  get frames(): string[] {
    return this.peer.of(this.id).map(plainly);
  }

  /** Resolves when so many bytes of body are here. */
  async received(bytes: number): Promise<void> {
    await this.peer.next(() => this.peer.bytes(this.id) >= bytes);
  }
}

/** `DATA+END_STREAM`, `RST_STREAM code 8`: without the number of the stream. */
function plainly(text: string): string {
  return text.replace(/ \d+(?= code|$)/, '');
}

/** The frames of a client's stream, without its number, runs of DATA as one. */
export async function outcome(client: FramePeer, stream: number): Promise<string[]> {
  const frames = (await client.finished(stream)).map(plainly);
  return frames.filter((one, at) => one !== 'DATA' || frames[at - 1] !== 'DATA');
}

export interface RawUpstream extends FrameServer {
  /** Requests of the test so far; the gateway's own check of the endpoint is answered and left out. */
  readonly arrived: readonly Arrived[];
  /** The nth of them, now or later. */
  request(index: number): Promise<Arrived>;
  /** Resolves when the gateway has made its check. */
  readonly checked: Promise<void>;
}

/** Starts an upstream. `onRequest` deals with a request when its head is here; without it the test does so later. */
export async function startUpstream(
  onRequest: (request: Arrived, index: number) => void = () => {},
  /** `unchecked`: the gateway asks for nothing by itself, so that nothing is left out. */
  options: { settings?: readonly Setting[]; unchecked?: boolean } = {},
): Promise<RawUpstream> {
  const arrived: Arrived[] = [];
  const lookout = new Lookout();
  const { promise: checked, resolve } = Promise.withResolvers<void>();
  let first = options.unchecked !== true;
  const server = await startFrameServer(
    (peer, id, { flags }) => {
      const request = new Arrived(peer, id);
      // The check is a GET, and the gateway's first request.
      if (first && (flags & Flag.END_STREAM) !== 0) {
        first = false;
        request.head([[':status', '200']], Flag.END_STREAM);
        void peer.settled().then(resolve);
        return;
      }
      arrived.push(request);
      onRequest(request, arrived.length - 1);
      lookout.look();
    },
    undefined,
    options,
  );
  return {
    ...server,
    get peers() {
      return server.peers;
    },
    arrived,
    checked,
    request: (index) => lookout.for(() => arrived[index]),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

export { Flag, FrameType };
