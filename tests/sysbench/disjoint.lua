-- sysbench's oltp_read_write for one of two sites that share a database: each changes its own half of the ids,
-- so that no row is changed at both at once. Every id which the workload draws comes from sysbench.rand.default.

require("oltp_read_write")

sysbench.cmdline.options.site = {"Which half of the ids this site changes: 0 or 1", 0}

local draw = sysbench.rand.default

function sysbench.rand.default(first, last)
   local half = math.floor((last - first + 1) / 2)
   return draw(first, first + half - 1) + half * sysbench.opt.site
end
