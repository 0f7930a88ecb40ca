/** Carries out a plan: closed loop or open loop, counting only what falls into the time that is measured. */

import { Backlog } from './backlog.ts';
import type { Call } from './call.ts';
import { Judge } from './judge.ts';
import { Lane, type LaneListener } from './lane.ts';
import { Pace } from './pace.ts';
import { Picker } from './picker.ts';
import type { Plan } from './plan.ts';
import { intervalOf, Tally } from './tally.ts';

/** How often calls are looked at that have waited too long, in milliseconds. */
const EXPIRY_MS = 100;
/** Timers are whole milliseconds: what is left below is waited for by turning round, or let be late. */
const TIMER_MS = 1.5;

/** What stands so far. */
export interface Progress {
  readonly answers: number;
  readonly errors: number;
}

/** One run of one plan in this thread. */
export class Generator implements LaneListener {
  readonly tally: Tally;
  readonly #plan: Plan;
  readonly #picker: Picker;
  readonly #judge = new Judge();
  readonly #lanes: Lane[];
  readonly #backlog = new Backlog();
  #turn = 0;
  #scheduled = 0;
  #inFlight = 0;
  #begin = 0;
  #measureFrom = 0;
  #end = 0;
  #done = Promise.withResolvers<void>();
  #ending = false;

  constructor(plan: Plan) {
    this.#plan = plan;
    this.tally = new Tally(intervalOf(plan.durationMs));
    this.#picker = new Picker(plan.requests, plan.seed);
    this.#lanes = Array.from({ length: plan.lines.connections }, () => new Lane(plan, this));
  }

  get progress(): Progress {
    return { answers: this.tally.answers, errors: this.tally.errorCount };
  }

  /** Connections opened so far. */
  get opened(): number {
    return this.#lanes.reduce((sum, { opened }) => sum + opened, 0);
  }

  /** Runs to the end; what is on its way then is waited for, up to the timeout, in open loop. */
  async run(): Promise<void> {
    const { warmUpMs, durationMs, timeoutMs, rate } = this.#plan;
    this.#begin = performance.now();
    this.#measureFrom = this.#begin + warmUpMs;
    this.#end = this.#measureFrom + durationMs;
    const expiry = setInterval(() => this.#expire(performance.now() - timeoutMs), EXPIRY_MS);
    if (rate === undefined) this.#startClosed();
    else this.#startOpen(new Pace(rate, warmUpMs, durationMs));
    const timer = setTimeout(() => this.#stop(), warmUpMs + durationMs);
    await this.#done.promise;
    clearTimeout(timer);
    clearInterval(expiry);
    for (const lane of this.#lanes) lane.close();
  }

  answered(call: Call, lane: Lane): void {
    const now = performance.now();
    this.#inFlight -= 1;
    const wrong = this.#judge.wrong(call);
    if (wrong !== undefined) this.#count(call, now, wrong);
    else if (this.#measured(call, now)) {
      this.tally.answered(this.#place(call, now), now - call.due, now - call.sentAt, call.bytes);
    }
    this.#next(lane, call, now);
  }

  failed(call: Call, why: string, lane: Lane): void {
    const now = performance.now();
    this.#inFlight -= 1;
    this.#count(call, now, why);
    this.#next(lane, call, now);
  }

  /** Open loop: by when it was due, so that what was slow is not lost at the end. Closed loop: by when it ended. */
  #measured(call: Call, now: number): boolean {
    if (this.#plan.rate === undefined) return now >= this.#measureFrom && now < this.#end;
    return call.due >= this.#measureFrom && call.due < this.#end;
  }

  #place(call: Call, now: number): number {
    return (this.#plan.rate === undefined ? now : call.due) - this.#measureFrom;
  }

  #count(call: Call, now: number, why: string): void {
    if (this.#measured(call, now)) this.tally.failed(this.#place(call, now), why);
    else if (now < this.#end) this.tally.failedEarly(why);
  }

  #next(lane: Lane, call: Call, now: number): void {
    if (this.#ending) this.#settle();
    else if (this.#plan.rate !== undefined) this.#feed();
    else if (now < this.#end) this.#goOn(lane, call);
  }

  #goOn(lane: Lane, call: Call): void {
    const { thinkMs } = call.request;
    if (thinkMs > 0) setTimeout(() => this.#ask(lane), this.#picker.think(thinkMs));
    // Not at once where the lane is down: it would call back for ever.
    else if (call.sentAt === 0) setImmediate(() => this.#ask(lane));
    else this.#ask(lane);
  }

  #ask(lane: Lane): void {
    if (this.#ending) return;
    this.#inFlight += 1;
    lane.submit(this.#picker.next(performance.now()));
  }

  #startClosed(): void {
    const think = Math.max(...this.#plan.requests.map(({ thinkMs }) => thinkMs));
    for (const lane of this.#lanes) {
      for (let i = 0; i < this.#plan.lines.streams; i += 1) {
        // People do not all come in the same instant.
        if (think > 0) setTimeout(() => this.#ask(lane), this.#picker.think(think) - think / 2 + 1);
        else this.#ask(lane);
      }
    }
  }

  #startOpen(pace: Pace): void {
    const tick = (): void => {
      if (this.#ending) return;
      const now = performance.now();
      let due = this.#begin + pace.due(this.#scheduled);
      while (due <= now && due < this.#end) {
        this.#scheduled += 1;
        if (due >= this.#measureFrom) this.tally.sentLate(now - due);
        const call = this.#picker.next(due);
        if (!this.#backlog.add(call)) this.#count(call, now, 'no room');
        due = this.#begin + pace.due(this.#scheduled);
      }
      this.#feed();
      if (due >= this.#end) return;
      const wait = due - performance.now();
      if (!this.#plan.spin) setTimeout(tick, Math.max(1, wait));
      else if (wait > TIMER_MS) setTimeout(tick, wait - TIMER_MS);
      else setImmediate(tick);
    };
    tick();
  }

  /** Gives what is due to lanes with room, in turn. */
  #feed(): void {
    const { streams } = this.#plan.lines;
    const lanes = this.#lanes;
    while (this.#backlog.size > 0) {
      let tried = 0;
      while (tried < lanes.length && lanes[this.#turn]!.load >= streams) {
        this.#turn = (this.#turn + 1) % lanes.length;
        tried += 1;
      }
      if (tried === lanes.length) return;
      this.#inFlight += 1;
      const lane = lanes[this.#turn]!;
      this.#turn = (this.#turn + 1) % lanes.length;
      lane.submit(this.#backlog.take()!);
    }
  }

  #expire(before: number): void {
    for (const lane of this.#lanes) lane.expire(before);
    for (
      let oldest = this.#backlog.oldest;
      oldest !== undefined && oldest.due < before;
      oldest = this.#backlog.oldest
    ) {
      this.#count(this.#backlog.take()!, performance.now(), 'no room');
    }
    if (this.#ending) this.#settle();
  }

  #stop(): void {
    this.#ending = true;
    // What is still on its way in a closed loop belongs to no time that is measured.
    if (this.#plan.rate === undefined) this.#done.resolve();
    else this.#settle();
  }

  #settle(): void {
    if (this.#plan.rate === undefined) return;
    this.#feed();
    if (this.#inFlight === 0 && this.#backlog.size === 0) this.#done.resolve();
  }
}
