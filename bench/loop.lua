-- Calls, tables, strings, floating point.
local function fib(n) return n < 2 and n or fib(n - 1) + fib(n - 2) end
local t, sum = {}, 0.0
for i = 1, 100000 do t[i] = (i * 7919) % 100003 end
table.sort(t)
for i = 1, #t do sum = sum + math.sqrt(t[i]) end
local parts = {}
for i = 1, 10000 do parts[#parts + 1] = string.format("%d:%s", i, tostring(i * 3)) end
local text = table.concat(parts, ",")
print(fib(22), #text, math.floor(sum))
print("loop.lua ends")
