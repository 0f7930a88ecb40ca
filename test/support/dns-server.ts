/** A DNS server on loopback, UDP and TCP on one port, that says what a test wants. RFC 1035, RFC 2782. */

import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket as TcpSocket } from 'node:net';

const TYPES = { A: 1, CNAME: 5, AAAA: 28, SRV: 33 } as const;
type Type = keyof typeof TYPES;

const CODES = { NOERROR: 0, SERVFAIL: 2, NXDOMAIN: 3, REFUSED: 5 } as const;
/** Answers over UDP without EDNS go up to here, RFC 1035 section 4.2.1. */
const UDP_BYTES = 512;

/** One record. `value`: an address, a name, or `priority weight port target`. */
export interface DnsRecord {
  readonly value: string;
  readonly ttl?: number;
  readonly type?: Type;
  /** The name that it is of, where it is not the one that was asked for. */
  readonly name?: string;
}

/** How a question is answered. */
export interface DnsAnswer {
  readonly records?: readonly (string | DnsRecord)[];
  /** Of records that have none of their own, in seconds. */
  readonly ttl?: number;
  readonly code?: keyof typeof CODES;
  /** `never`: no answer at all. `garbage`: bytes that are no message, with the right id. `cut`: over UDP nothing but "ask by TCP". */
  readonly how?: 'never' | 'garbage' | 'cut';
  /** Before the answer comes one with another id, that says this address. */
  readonly forged?: string;
  /** The answer goes out when this resolves. */
  readonly after?: Promise<unknown>;
}

export interface DnsQuestion {
  readonly name: string;
  readonly type: string;
  readonly by: 'udp' | 'tcp';
}

/** The server; names that it was told nothing of do not exist. */
export class DnsServer implements AsyncDisposable {
  /** All questions, oldest first. */
  readonly asked: DnsQuestion[] = [];
  readonly #answers = new Map<string, DnsAnswer>();
  readonly #udp: Socket;
  readonly #tcp: Server;
  readonly #sockets = new Set<TcpSocket>();
  #waiting: (() => void)[] = [];

  private constructor(udp: Socket, tcp: Server) {
    this.#udp = udp;
    this.#tcp = tcp;
    udp.on('message', (message, from) => void this.#overUdp(message, from));
    udp.on('error', () => {});
    tcp.on('connection', (socket) => this.#overTcp(socket));
  }

  static async start(): Promise<DnsServer> {
    for (;;) {
      const tcp = createServer().listen(0, '127.0.0.1');
      await once(tcp, 'listening');
      const udp = createSocket('udp4');
      const bound = Promise.withResolvers<boolean>();
      udp.once('error', () => bound.resolve(false));
      udp.bind((tcp.address() as AddressInfo).port, '127.0.0.1', () => bound.resolve(true));
      if (await bound.promise) return new DnsServer(udp, tcp);
      tcp.close(); // somebody has the port over UDP
    }
  }

  /** `127.0.0.1:port`. */
  get address(): string {
    return `127.0.0.1:${(this.#tcp.address() as AddressInfo).port}`;
  }

  /** What is answered from now on; a list is its records. */
  set(name: string, type: Type, answer: DnsAnswer | readonly string[]): void {
    this.#answers.set(`${type} ${name}`, Array.isArray(answer) ? { records: answer } : (answer as DnsAnswer));
  }

  /** Resolves when so many questions were asked of this name and type, from the first one on. */
  async questions(name: string, type: Type, count: number): Promise<void> {
    const seen = (): number => this.asked.filter((one) => one.name === name && one.type === type).length;
    while (seen() < count) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.push(resolve);
      await promise;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#udp.close();
    this.#tcp.close();
    await once(this.#tcp, 'close');
  }

  async #overUdp(message: Buffer, from: RemoteInfo): Promise<void> {
    for (const answer of await this.#answer(message, 'udp')) {
      try {
        this.#udp.send(answer, from.port, from.address);
      } catch {
        // The server is closed, and the one who asked is gone.
      }
    }
  }

  #overTcp(socket: TcpSocket): void {
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => this.#sockets.delete(socket));
    let buffer: Buffer = Buffer.alloc(0);
    socket.on('data', async (chunk: Buffer) => {
      buffer = Buffer.concat([buffer, chunk]);
      while (buffer.length >= 2 && buffer.length >= 2 + buffer.readUInt16BE(0)) {
        const end = 2 + buffer.readUInt16BE(0);
        const message = buffer.subarray(2, end);
        buffer = buffer.subarray(end);
        for (const answer of await this.#answer(message, 'tcp')) {
          const length = Buffer.alloc(2);
          length.writeUInt16BE(answer.length);
          socket.write(Buffer.concat([length, answer]));
        }
      }
    });
  }

  async #answer(message: Buffer, by: DnsQuestion['by']): Promise<Buffer[]> {
    const question = readQuestion(message);
    const { name, type } = question;
    this.asked.push({ name, type, by });
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
    const known = (['A', 'AAAA', 'SRV'] as const).some((one) => this.#answers.has(`${one} ${name}`));
    const answer = this.#answers.get(`${type} ${name}`) ?? { code: known ? 'NOERROR' : 'NXDOMAIN' };
    await answer.after;
    if (answer.how === 'never') return [];
    if (answer.how === 'garbage') return [Buffer.concat([message.subarray(0, 2), Buffer.alloc(40, 0xff)])];
    const cut = answer.how === 'cut' && by === 'udp';
    const whole = encode(message, question, cut ? {} : answer, cut);
    const fits = by === 'tcp' || whole.length <= UDP_BYTES;
    const out = fits ? whole : encode(message, question, {}, true);
    if (answer.forged === undefined) return [out];
    const forged = encode(message, question, { records: [answer.forged] }, false);
    forged.writeUInt16BE((forged.readUInt16BE(0) + 1) % 65_536, 0);
    return [forged, out];
  }
}

interface ReadQuestion {
  readonly name: string;
  readonly type: string;
  /** The question as it was written, to be repeated. */
  readonly bytes: Buffer;
}

function readQuestion(message: Buffer): ReadQuestion {
  const labels: string[] = [];
  let at = 12;
  for (let length = message[at]!; length > 0; length = message[at]!) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  const code = message.readUInt16BE(at + 1);
  const type = Object.entries(TYPES).find(([, one]) => one === code)?.[0] ?? String(code);
  return { name: labels.join('.').toLowerCase(), type, bytes: message.subarray(12, at + 5) };
}

function encode(message: Buffer, question: ReadQuestion, answer: DnsAnswer, truncated: boolean): Buffer {
  const { records = [], ttl = 60, code = 'NOERROR' } = answer;
  const head = Buffer.alloc(12);
  message.copy(head, 0, 0, 2);
  head.writeUInt16BE(0x8180 | (truncated ? 0x200 : 0) | CODES[code], 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(records.length, 6);
  return Buffer.concat([head, question.bytes, ...records.map((one) => encodeRecord(one, question, ttl))]);
}

function encodeRecord(given: string | DnsRecord, question: ReadQuestion, otherTtl: number): Buffer {
  const record = typeof given === 'string' ? { value: given } : given;
  const { value, ttl = otherTtl, type = question.type as Type, name } = record;
  const data = encodeData(type, value);
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(TYPES[type], 0);
  fixed.writeUInt16BE(1, 2);
  fixed.writeUInt32BE(ttl, 4);
  fixed.writeUInt16BE(data.length, 8);
  return Buffer.concat([name === undefined ? Buffer.from([0xc0, 12]) : encodeName(name), fixed, data]);
}

function encodeData(type: Type, value: string): Buffer {
  switch (type) {
    case 'A':
      return Buffer.from(value.split('.').map(Number));
    case 'AAAA': {
      const [left = '', right] = value.split('::');
      const words = (text: string): string[] => (text === '' ? [] : text.split(':'));
      const [before, after] = [words(left), words(right ?? '')];
      const zeros: string[] = Array(8 - before.length - after.length).fill('0');
      return Buffer.from([...before, ...zeros, ...after].map((word) => word.padStart(4, '0')).join(''), 'hex');
    }
    case 'CNAME':
      return encodeName(value);
    case 'SRV': {
      const [priority, weight, port, target] = value.split(' ');
      const numbers = Buffer.alloc(6);
      [priority, weight, port].forEach((number, index) => {
        numbers.writeUInt16BE(Number(number), 2 * index);
      });
      return Buffer.concat([numbers, encodeName(target!)]);
    }
  }
}

function encodeName(name: string): Buffer {
  const labels = name.split('.').filter((label) => label !== '');
  return Buffer.concat([
    ...labels.map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)])),
    Buffer.alloc(1),
  ]);
}
