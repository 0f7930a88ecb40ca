// A sink that codes what passes: pace both ways, ends, resets, and what happens to encoders that nobody reads.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Fields, ResetCode, type Sink } from '../../src/core/raw.ts';
import type { Coding, Encoder, EncoderOutput } from '../../src/encoding/coding.ts';
import { CodingSink, type CodingSinkOptions } from '../../src/encoding/coding-sink.ts';
import { CODINGS, codingOf } from '../../src/encoding/index.ts';
import { SMALL_BYTES } from '../../src/encoding/whole-encoder.ts';

/** The client's side: keeps what comes, and takes as much as it is told to. */
class Client implements Sink {
  readonly pieces: Uint8Array[] = [];
  readonly told: string[] = [];
  trailers: Fields | undefined;
  takes = true;
  readonly ended = Promise.withResolvers<void>();
  #came: (() => void) | undefined;

  write(chunk: Uint8Array): boolean {
    assert.deepEqual(this.told, [], 'nothing comes after the end');
    this.pieces.push(chunk);
    this.#came?.();
    return this.takes;
  }

  end(trailers?: Fields): void {
    this.told.push('end');
    this.trailers = trailers;
    this.ended.resolve();
  }

  reset(code: number): void {
    this.told.push(`reset ${code}`);
    this.ended.resolve();
  }

  /** Resolves when a piece comes. */
  piece(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#came = resolve;
    return promise;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.pieces);
  }
}

/** An encoder by hand. */
class Hand implements Encoder {
  readonly written: Uint8Array[] = [];
  ended = false;
  destroyed = 0;
  output!: EncoderOutput;
  readonly coding: Coding = {
    ...codingOf('br'),
    encoder: (output) => {
      this.output = output;
      return this;
    },
  };

  write(chunk: Uint8Array): void {
    this.written.push(chunk);
  }

  end(): void {
    this.ended = true;
  }

  destroy(): void {
    this.destroyed += 1;
  }
}

const KIB = 1024;
const BIG = { size: 10_000_000 };

function byHand(options: CodingSinkOptions = BIG) {
  const client = new Client();
  const hand = new Hand();
  const sink = new CodingSink(client, hand.coding, options);
  let drains = 0;
  sink.onDrain = () => {
    drains += 1;
  };
  return { client, hand, sink, drains: () => drains };
}

/** Writes pieces as fast as the sink lets them in. */
async function pass(coding: Coding, pieces: readonly Uint8Array[], options: CodingSinkOptions): Promise<Client> {
  const client = new Client();
  const sink = new CodingSink(client, coding, options);
  let drained = (): void => {};
  sink.onDrain = () => drained();
  for (const piece of pieces) {
    if (sink.write(piece)) continue;
    const { promise, resolve } = Promise.withResolvers<void>();
    drained = resolve;
    await promise;
  }
  sink.end();
  await client.ended.promise;
  return client;
}

for (const coding of CODINGS) {
  test(`property, ${coding.name}: any body in any pieces comes out the same, its length known or not`, async () => {
    const pieces = fc.array(
      fc.oneof(
        fc.uint8Array({ maxLength: 300 }),
        fc.tuple(fc.nat(60_000), fc.nat(255)).map(([length, byte]) => Buffer.alloc(length, `${byte} `)),
      ),
      { maxLength: 12 },
    );
    await fc.assert(
      fc.asyncProperty(pieces, fc.boolean(), async (given, known) => {
        const body = Buffer.concat(given);
        const client = await pass(coding, given, known ? { size: body.length } : {});
        assert.deepEqual(client.told, ['end']);
        assert.ok(Buffer.from(coding.decode(client.bytes, body.length + 1)).equals(body));
      }),
      { numRuns: 40 },
    );
  });

  test(`${coding.name}: an event in a body that goes on can be read at once`, async () => {
    const client = new Client();
    const sink = new CodingSink(client, coding);
    for (const word of ['first', 'second']) {
      const came = client.piece();
      sink.write(Buffer.from(`{"event":"${word}"}\n`));
      await came;
      assert.match(await beginning(coding, client.bytes), new RegExp(word));
    }
    sink.close();
  });
}

/** What a reader can decode of a body that has not ended. */
async function beginning(coding: Coding, bytes: Buffer): Promise<string> {
  const zlib = await import('node:zlib');
  const stream = { br: zlib.createBrotliDecompress, zstd: zlib.createZstdDecompress, gzip: zlib.createGunzip }[
    coding.name
  ]();
  stream.write(bytes);
  const [data] = (await once(stream, 'data')) as [Buffer];
  let text = data.toString();
  for (let more = stream.read(); more !== null; more = stream.read()) text += more;
  stream.destroy();
  return text;
}

test('trailers come after the last coded byte', async () => {
  for (const size of [4, undefined, 100_000]) {
    const client = new Client();
    const body = Buffer.alloc(size ?? 50_000, 'a');
    const sink = new CodingSink(client, codingOf('gzip'), { size });
    sink.write(body);
    sink.end(['x-last', 'yes']);
    await client.ended.promise;
    assert.deepEqual(client.trailers, ['x-last', 'yes']);
    assert.equal(codingOf('gzip').decode(client.bytes, 200_000).length, body.length);
  }
});

test('a small body is coded at once: it is there when `end` returns', () => {
  for (const options of [{}, { size: 2000 }]) {
    const client = new Client();
    const sink = new CodingSink(client, codingOf('br'), options);
    sink.write(Buffer.alloc(1000, 'a'));
    sink.write(Buffer.alloc(1000, 'b'));
    sink.end();
    assert.deepEqual(client.told, ['end']);
    assert.equal(codingOf('br').decode(client.bytes, 2001).length, 2000);
  }
});

test('an empty body of unknown length is a valid coded body', () => {
  for (const coding of CODINGS) {
    const client = new Client();
    new CodingSink(client, coding).end();
    assert.equal(coding.decode(client.bytes, 1).length, 0);
  }
});

test('the writer is held back while the encoder has too much, and goes on when all of it is coded', () => {
  const { hand, sink, drains } = byHand();
  assert.equal(sink.write(Buffer.alloc(60 * KIB)), true);
  assert.equal(sink.write(Buffer.alloc(5 * KIB)), false);
  assert.equal(drains(), 0);
  hand.output.onDrain();
  assert.equal(drains(), 1);
  assert.equal(sink.write(Buffer.alloc(1)), true);
});

test('the writer is held back while the client takes nothing, however idle the encoder is', () => {
  const { client, hand, sink, drains } = byHand();
  client.takes = false;
  assert.equal(sink.write(Buffer.alloc(65 * KIB)), false);
  hand.output.onData(Buffer.alloc(10));
  hand.output.onDrain();
  assert.equal(drains(), 0);
  assert.equal(sink.write(Buffer.alloc(1)), false);
  client.takes = true;
  sink.drained();
  assert.equal(drains(), 1);
});

test('when the client takes more and the encoder is still full, the writer waits for the encoder', () => {
  const { hand, sink, drains } = byHand();
  assert.equal(sink.write(Buffer.alloc(65 * KIB)), false);
  sink.drained();
  assert.equal(drains(), 0);
  hand.output.onDrain();
  assert.equal(drains(), 1);
});

test('a reset passes at once, with its code, and the encoder is destroyed', () => {
  const { client, hand, sink } = byHand();
  sink.write(Buffer.alloc(10));
  sink.reset(ResetCode.CANCEL);
  assert.deepEqual(client.told, ['reset 8']);
  assert.equal(hand.destroyed, 1);
  hand.output.onData(Buffer.alloc(3));
  hand.output.onEnd();
  hand.output.onError(new Error('late'));
  sink.end();
  sink.reset(1);
  assert.deepEqual(client.told, ['reset 8']);
  assert.equal(client.pieces.length, 0);
});

test('an encoder that fails resets the stream: the answer never looks complete', () => {
  const failures: Error[] = [];
  let done = 0;
  const { client, hand, sink } = byHand({
    ...BIG,
    onError: (error) => failures.push(error),
    onDone: () => (done += 1),
  });
  sink.write(Buffer.alloc(10));
  sink.end();
  hand.output.onError(new Error('out of memory'));
  assert.deepEqual(client.told, [`reset ${ResetCode.INTERNAL_ERROR}`]);
  assert.equal(failures[0]!.message, 'out of memory');
  assert.equal(done, 1);
  assert.equal(sink.write(Buffer.alloc(1)), true);
});

test('also one that fails on a small body', () => {
  const client = new Client();
  const coding: Coding = {
    ...codingOf('br'),
    quick() {
      throw new Error('no');
    },
  };
  const sink = new CodingSink(client, coding, { size: 10 });
  sink.write(Buffer.alloc(10));
  sink.end();
  assert.deepEqual(client.told, [`reset ${ResetCode.INTERNAL_ERROR}`]);
});

test('a body that is longer than was said is still coded whole', async () => {
  const body = Buffer.alloc(200_000, 'abc ');
  const client = await pass(codingOf('zstd'), [body], { size: 10 });
  assert.ok(Buffer.from(codingOf('zstd').decode(client.bytes, 200_001)).equals(body));
});

test('coded bytes are counted, not those that came', async () => {
  let bytes = 0;
  const client = await pass(codingOf('br'), [Buffer.alloc(500_000, 'a')], {
    onBytes: (more) => {
      bytes += more;
    },
  });
  assert.equal(bytes, client.bytes.length);
  assert.ok(bytes < 1000);
});

test('attack, thousands of clients that leave in the middle: every encoder is given back, once', async () => {
  let open = 0;
  for (let round = 0; round < 30; round += 1) {
    const sinks = CODINGS.flatMap((coding) =>
      Array.from({ length: 34 }, () => {
        open += 1;
        return new CodingSink(new Client(), coding, { onDone: () => (open -= 1) });
      }),
    );
    for (const sink of sinks) {
      sink.write(Buffer.alloc(SMALL_BYTES + 1, 'a'));
      sink.close();
      sink.close();
      sink.drained();
    }
    await new Promise(setImmediate);
  }
  assert.equal(open, 0);
});

test('the client leaves while a small body is waited for: nothing is begun any more', async () => {
  const { client, hand, sink } = byHand({});
  sink.write(Buffer.alloc(10));
  sink.close();
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  assert.equal(hand.output, undefined);
  assert.deepEqual([client.pieces, client.told], [[], []]);
});
