-- KEYS[1]: the tenant's bucket. ARGV: tokens asked for, rate per second, burst,
-- time to live in milliseconds. Answers {0} or {1, microseconds to wait}.
--
-- The generic cell rate algorithm, counted in whole tokens: since `origin`, a time
-- of this server at which the bucket was full or new, rate * elapsed tokens were
-- earned and `used` were taken, and at most burst more than earned.
local asked, rate, burst = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])

-- Which run of the server this is. One that has no such section keeps nothing
-- beyond its end either.
local run = 'none'
local info = redis.pcall('INFO', 'server')
if type(info) == 'string' then
  run = string.match(info, 'run_id:(%x+)')
elseif not string.find(info.err, 'not supported', 1, true) then
  return redis.error_reply(info.err)
end
if not run then return redis.error_reply('ERR INFO names no run_id') end

local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000000 + tonumber(clock[2])
local limit = ARGV[2] .. '/' .. ARGV[3]

local b = redis.call('HMGET', KEYS[1], 'run', 'limit', 'origin', 'used', 'seen')
local origin, used = tonumber(b[3]), tonumber(b[4])
local known = b[1] == run and b[2] == limit and now >= tonumber(b[5])
if not known then origin, used = now, burst end

local earned = math.floor((now - origin) * rate / 1000000)
if used <= earned then origin, used, earned = now, 0, 0 end -- full
local after = used + asked
local missing = after - earned - burst
local answer = {0}
if missing > 0 then
  answer = {1, math.ceil((earned + missing) * 1000000 / rate) - (now - origin)}
  if known then return answer end
  after = used
end
redis.call('HSET', KEYS[1], 'run', run, 'limit', limit, 'origin', string.format('%.0f', origin), 'used', string.format('%.0f', after), 'seen', string.format('%.0f', now))
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return answer
