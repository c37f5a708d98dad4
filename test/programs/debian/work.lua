print(_VERSION, ...)
local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end
print(fib(22), math.pi, 1 // 0.0, 7 // 2, string.format("%q", "a\n\0b"))
local t = {}
for w in ("the quick brown fox"):gmatch("%a+") do t[#t + 1] = w:upper() end
table.sort(t)
print(table.concat(t, ","), #t, select("#", table.unpack(t)))
local co = coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i * i) end end)
print(co(), co(), co())
print(pcall(error, { code = 1 }), os.getenv("HOME"), os.getenv("NOTHING"))
for i = 1, 200 do t[i] = ("x"):rep(10000) end
collectgarbage()
print(#t, utf8.char(228, 8364), os.time({ year = 2000, month = 1, day = 1, hour = 0 }))
os.exit(5)
