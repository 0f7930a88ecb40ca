/**
 * What runs inside Redis or Valkey: the arithmetic of `gcra.ts` in Lua, whole or not at all, by the server's clock.
 *
 * A count is the time at which nothing of it is left, as text: whole milliseconds since 1970, a space, and the rest in
 * units of 1/requests of a millisecond. Levels are whole numbers of such units, at most 16 x burst x period, that is
 * 1.4e15 for the largest rate that can be configured (10^6 in a day): below 2^53, so nothing is ever rounded.
 *
 * No loop runs longer than there are limits on a request, or keys in one exchange; everything written expires.
 * Undeclared keys (`:ban`, `:refusals`, `:strikes` beside a count) and several keys a call: not for Redis Cluster.
 */

import { hash } from 'node:crypto';

/** A script as it is called: by its hash, by its text where the server does not have it. */
export interface Script {
  readonly text: string;
  /** Lower-case SHA-1 of the text, as EVALSHA wants it. */
  readonly sha: string;
}

function script(text: string): Script {
  return { text, sha: hash('sha1', text, 'hex') };
}

const LEVELS = `
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local levels, order, rates = {}, {}, {}

local function level(key, requests, most)
  local units = levels[key]
  if units then return units end
  units = 0
  local raw = redis.call('GET', key)
  if raw then
    local ms, rest = string.match(raw, '^(%d+) (%d+)$')
    if ms then units = (tonumber(ms) - now) * requests + tonumber(rest) end
  end
  -- Above the most only where the clock went back.
  return math.max(0, math.min(units, most))
end

local function keep(key, requests, units)
  if not levels[key] then order[#order + 1] = key end
  levels[key] = units
  rates[key] = requests
end

local function write()
  for _, key in ipairs(order) do
    local units, requests = levels[key], rates[key]
    if units <= 0 then
      redis.call('DEL', key)
    else
      local ms = math.floor(units / requests)
      redis.call('SET', key, string.format('%.0f %.0f', now + ms, units - ms * requests), 'PX', string.format('%.0f', ms + 1))
    end
  end
end
`;

/**
 * Takes all charges in order, or none.
 * KEYS: the epoch, then a count for each charge. ARGV: nine numbers a charge: requests, periodMs, burst, cost,
 * enforce (0 or 1), and the ban's after, withinMs, forMs, maxMs (all 0 where there is none).
 * Answers: epoch, number of the charge that refused (0: none), 0 | 1 banned before | 2 banned now, ban in milliseconds,
 * strike; then for each charge up to the one that refused whether it was allowed (0 or 1) and its level.
 */
export const TAKE: Script = script(`${LEVELS}
local epoch = redis.call('GET', KEYS[1])
if not epoch then
  epoch = string.format('%.0f', tonumber(time[1]) * 1000000 + tonumber(time[2]))
  redis.call('SET', KEYS[1], epoch)
end
local out = {tonumber(epoch), 0, 0, 0, 0}

local function strike(key, maxMs)
  local units = math.min(level(key, 1, 64 * maxMs) + 2 * maxMs, 64 * maxMs)
  keep(key, 1, units)
  return math.ceil(units / (2 * maxMs))
end

for i = 1, #KEYS - 1 do
  local key, at = KEYS[i + 1], (i - 1) * 9
  local requests, period, burst, cost = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4])
  local enforce, after, within = ARGV[at + 5] == '1', tonumber(ARGV[at + 6]), tonumber(ARGV[at + 7])
  local forMs, maxMs = tonumber(ARGV[at + 8]), tonumber(ARGV[at + 9])
  if enforce and after > 0 then
    local left = math.min((tonumber(redis.call('GET', key .. ':ban') or '0') or 0) - now, maxMs)
    if left > 0 then
      out[2], out[3], out[4] = i, 1, left
      return out
    end
  end
  local most = burst * period
  local before = level(key, requests, most)
  local wanted = before + cost * period
  local n = #out
  if wanted <= most then
    keep(key, requests, wanted)
    out[n + 1], out[n + 2] = 1, wanted
  else
    out[n + 1], out[n + 2] = 0, before
    if enforce then
      out[2] = i
      -- What was taken before stays unwritten: that gives it back. Only refusals and bans are written.
      levels, order, rates = {}, {}, {}
      if after > 0 then
        local refusals = key .. ':refusals'
        local counted = level(refusals, after, after * within) + within
        if counted > (after - 1) * within then
          keep(refusals, after, 0)
          out[5] = strike(key .. ':strikes', maxMs)
          out[3], out[4] = 2, math.min(maxMs, forMs * 2 ^ math.min(out[5] - 1, 30))
          redis.call('SET', key .. ':ban', string.format('%.0f', now + out[4]), 'PX', string.format('%.0f', out[4]))
        else
          keep(refusals, after, counted)
        end
        write()
      end
      return out
    end
  end
end
write()
return out
`);

/**
 * Adds to counts without asking, or takes from them.
 * KEYS: counts. ARGV: four numbers a key: requests, periodMs, burst, and how many were taken (below 0: given back).
 * Answers: the level of each. A level stays remembered up to 16 times the burst: what was taken too much is waited for.
 */
export const ADD: Script = script(`${LEVELS}
local out = {}
for i = 1, #KEYS do
  local at = (i - 1) * 4
  local requests, period, burst = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  local most = 16 * burst * period
  local units = level(KEYS[i], requests, most) + tonumber(ARGV[at + 4]) * period
  out[i] = math.max(0, math.min(units, most))
  keep(KEYS[i], requests, out[i])
end
write()
return out
`);

/** Forgets keys. */
export const FORGET: Script = script(`return {redis.call('DEL', unpack(KEYS))}`);
