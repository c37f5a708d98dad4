#!/usr/bin/node
// SPDX-License-Identifier: MIT
// An HTTP server at port 8080: each answer is the path that was asked for.
'use strict';
require('http').createServer((request, response) => {
    response.end(request.url + '\n');
}).listen(8080);
