// SPDX-License-Identifier: MIT
// A call of process.memoryUsage(), which reads /proc/self/stat, of a thousand.
'use strict';
const calls = 1000;
const from = process.hrtime.bigint();
for (let i = 0; i < calls; i++)
    process.memoryUsage();
const took = Number(process.hrtime.bigint() - from);
console.log(`figure node_memory_usage ns ${took / calls}`);
console.log('memory.js ends');
