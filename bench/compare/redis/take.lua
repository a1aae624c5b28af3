-- Put before the scripts that spend: takes points of a member from the lots that lapse first, and writes down which, in the hash
-- of the hold.
local function take(member, lots, hold, wanted)
  for _, lot in ipairs(redis.call('ZRANGE', lots, 0, -1)) do
    local there = tonumber(redis.call('HGET', member, lot))
    local part = math.min(there, wanted)
    if part == there then
      redis.call('HDEL', member, lot)
      redis.call('ZREM', lots, lot)
    else
      redis.call('HINCRBY', member, lot, -part)
    end
    redis.call('HSET', hold, lot, part)
    wanted = wanted - part
    if wanted == 0 then return end
  end
end

