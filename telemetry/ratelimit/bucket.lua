-- KEYS[1]: the tenant's bucket. ARGV: rate per second, burst, time to live in
-- milliseconds, and the tokens of each request. Answers for each request 0 when it
-- was granted, or how many microseconds it has to wait.
--
-- The generic cell rate algorithm, counted in whole tokens: since `origin`, a time
-- of this server at which the bucket was full or new, rate * elapsed tokens were
-- earned and `used` were taken, and at most burst more than earned.
local rate, burst = tonumber(ARGV[1]), tonumber(ARGV[2])

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
local limit = ARGV[1] .. '/' .. ARGV[2]

local b = redis.call('HMGET', KEYS[1], 'run', 'limit', 'origin', 'used', 'seen')
local origin, used = tonumber(b[3]), tonumber(b[4])
local known = b[1] == run and b[2] == limit and now >= tonumber(b[5])
if not known then origin, used = now, burst end

local earned = math.floor((now - origin) * rate / 1000000)
if used <= earned then origin, used, earned = now, 0, 0 end -- full

local answers, granted = {}, false
for i = 4, #ARGV do
  local missing = used + tonumber(ARGV[i]) - earned - burst
  if missing > 0 then
    answers[i - 3] = math.ceil((earned + missing) * 1000000 / rate) - (now - origin)
  else
    answers[i - 3] = 0
    used = used + tonumber(ARGV[i])
    granted = true
  end
end
if granted or not known then
  redis.call('HSET', KEYS[1], 'run', run, 'limit', limit, 'origin', string.format('%.0f', origin), 'used', string.format('%.0f', used), 'seen', string.format('%.0f', now))
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
end
return answers
